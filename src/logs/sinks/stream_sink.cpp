#include "logs/sinks/stream_sink.hpp"

#include "logs/sinks/ndjson.hpp"

#include <cerrno>
#include <cstring>

#include "core/file_descriptor.hpp"

namespace deputy::logs {

Task<Result<void>> StreamSink::open(std::string) {
  co_return success();
}

Task<Result<std::string>> StreamSink::deliver(std::shared_ptr<const SpoolBatch> batch) {
  auto work = [this, batch]() -> Result<std::string> {
    for (const SpooledPage& spooled : batch->pages) {
      lines_.clear();
      append_ndjson(lines_, spooled.page.origin, spooled.page.records);
      if (!write_all(descriptor_, lines_))
        return Error{ErrorKind::internal, "standard output takes no more records: whoever read it is gone",
                     std::strerror(errno)};
    }
    return std::string{};
  };
  co_return co_await run_on(pool_, loop_, work);
}

}  // namespace deputy::logs
