#include "app/log_sinks.hpp"

#include "logs/sinks/file_sink.hpp"
#include "logs/sinks/otlp_sink.hpp"
#include "logs/sinks/stream_sink.hpp"
#include "logstore/store_sink.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

namespace deputy::app {

LogSinks::LogSinks(Surroundings surroundings, std::vector<LogSinkSpec> specs)
    : around_(surroundings), specs_(std::move(specs)) {}
LogSinks::~LogSinks() = default;

std::unique_ptr<logs::Sink> LogSinks::make(const LogSinkSpec& spec) {
  WorkPool& pool = *pools_.emplace_back(std::make_unique<WorkPool>(WorkPool::Options{.threads = 1}));
  switch (spec.kind) {
    case LogSinkSpec::Kind::search:
      return std::make_unique<logstore::StoreSink>(spec.name, around_.loop, pool, around_.clock,
                                                   around_.store);
    case LogSinkSpec::Kind::standard_output:
      return std::make_unique<logs::StreamSink>(spec.name, around_.loop, pool, STDOUT_FILENO);
    case LogSinkSpec::Kind::files:
      return std::make_unique<logs::FileSink>(
          spec.name, around_.loop, pool, around_.clock,
          logs::FileSinkOptions{.directory = spec.folder, .zstd = spec.zstd});
    case LogSinkSpec::Kind::otlp: {
      auto sink = std::make_unique<logs::OtlpSink>(spec.name, around_.loop, pool, around_.random,
                                                   around_.transport, logs::OtlpSinkOptions{.url = spec.url});
      sink->on_rejected = [name = spec.name](std::uint64_t records, const std::string& why) {
        spdlog::warn("sink {}: {} records were refused for good: {}", name, records, in_backticks(why));
      };
      return sink;
    }
  }
  return nullptr;
}

void LogSinks::start(logs::Spool& spool) {
  std::vector<std::unique_ptr<logs::Sink>> sinks;
  for (const LogSinkSpec& spec : specs_) sinks.push_back(make(spec));
  runner_ = std::make_unique<logs::SinkRunner>(
      logs::SinkRunner::Parts{around_.loop, around_.clock, around_.random, spool_pool_, spool},
      std::move(sinks));
  runner_->on_trouble = [](const std::string& sink, const Error& error) {
    spdlog::error("sink {} stands still: {} ({})", sink, error.message, error.detail);
  };
  runner_->start();
}

Task<void> LogSinks::stop() {
  if (runner_) co_await runner_->stop();
}

std::vector<logs::SinkStatus> LogSinks::status() const {
  return runner_ ? runner_->status() : std::vector<logs::SinkStatus>{};
}

}  // namespace deputy::app
