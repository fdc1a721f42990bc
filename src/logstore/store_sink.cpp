#include "logstore/store_sink.hpp"

namespace deputy::logstore {

namespace {
constexpr std::chrono::minutes maintained_every{10};
}  // namespace

StoreSink::StoreSink(std::string name, EventLoop& loop, WorkPool& pool, const Clock& clock, Store& store)
    : name_(std::move(name)), loop_(loop), pool_(pool), clock_(clock), store_(store) {}

Task<Result<void>> StoreSink::open(std::string) {
  maintained_ = clock_.steady_now();
  auto work = [this]() -> Result<void> {
    DEPUTY_TRY(store_.begin_writing());
    return store_.maintain();
  };
  co_return co_await run_on(pool_, loop_, work);
}

Task<Result<std::string>> StoreSink::deliver(std::shared_ptr<const logs::SpoolBatch> batch) {
  const bool maintain = clock_.steady_now() - maintained_ >= maintained_every;
  if (maintain) maintained_ = clock_.steady_now();
  auto work = [this, batch, maintain]() -> Result<std::string> {
    DEPUTY_TRY(store_.write(*batch));
    if (maintain) {
      DEPUTY_TRY(store_.maintain());
    }
    return std::string{};
  };
  co_return co_await run_on(pool_, loop_, work);
}

}  // namespace deputy::logstore
