#include "logs/sinks/ndjson.hpp"
#include "logs/spool.hpp"
#include "logstore/store.hpp"
#include "support/log_records.hpp"
#include "support/temporary_folder.hpp"

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <random>

#include "core/clock.hpp"

// What becomes of records after the spool: lines of files, the searchable store, and searches over ten
// million records (DEPUTY_BENCH_RECORDS; they are written once, which takes minutes). CPU time of one core.
namespace deputy {
namespace {

constexpr std::size_t words_known = 20'000;

// Messages of 200 bytes: a level, an identifier that no other message has, and words as unevenly used as in
// language.
class Writer {
 public:
  Writer() {
    for (std::size_t i = 0; i < words_known; ++i) {
      std::string word;
      for (auto length = 3 + random_() % 8; length > 0; --length)
        word += static_cast<char>('a' + random_() % 26);
      vocabulary_.push_back(std::move(word));
    }
  }

  std::string plain() {
    std::string text =
        fmt::format("level={} request_id={:016x}", random_() % 50 == 0 ? "error" : "info", random_());
    while (text.size() < 190) text += " " + word();
    text.resize(200, '.');
    return text;
  }
  std::string json() {
    std::string text =
        fmt::format(R"({{"level":"{}","request_id":"{:016x}","status":{},"user":{{"id":{}}},"message":")",
                    random_() % 50 == 0 ? "error" : "info", random_(), random_() % 100 == 0 ? 500 : 200,
                    random_() % 10'000);
    while (text.size() < 188) text += word() + " ";
    text.resize(198, '.');
    return text + "\"}";
  }

 private:
  const std::string& word() {
    const double u = static_cast<double>(random_() % 1'000'000) / 1e6;
    return vocabulary_[static_cast<std::size_t>(u * u * u * u * words_known)];
  }
  std::mt19937_64 random_{1};
  std::vector<std::string> vocabulary_;
};

constexpr std::int64_t midnight = 1'795'824'000'000;  // 2026-11-28

// It is the evening of that day.
class Evening final : public Clock {
 public:
  Timestamp now() const override { return Timestamp{std::chrono::milliseconds{midnight + 80'000'000}}; }
  std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::now();
  }
};

// `count` records, as they come out of the spool: 10,000 to a page, four pages to a batch.
std::vector<logs::SpoolBatch> batches(std::size_t count, std::size_t first, double ms_apart, bool json) {
  static Writer writer;
  std::vector<logs::SpoolBatch> made;
  for (std::size_t done = 0; done < count;) {
    logs::SpoolBatch batch;
    for (int page = 0; page < 4 && done < count; ++page) {
      logs::OwnedRecords records;
      for (int i = 0; i < 10'000 && done < count; ++i, ++done) {
        const std::size_t number = first + done;
        records.add(fmt::format("{:056}", number),
                    midnight + static_cast<std::int64_t>(static_cast<double>(number) * ms_apart),
                    json ? writer.json() : writer.plain(), "2026/11/28/[$LATEST]0123456789abcdef");
      }
      std::vector<char> encoded;
      logs::encode_page(logs::an_origin('a', "/aws/lambda/group"), records.records(), encoded);
      batch.pages.push_back({first + done, logs::decode_page(std::move(encoded)).value()});
    }
    made.push_back(std::move(batch));
  }
  return made;
}

std::int64_t message_bytes(const std::vector<logs::SpoolBatch>& all) {
  std::uint64_t sum = 0;
  for (const auto& batch : all)
    for (const auto& page : batch.pages) sum += page.page.message_bytes();
  return static_cast<std::int64_t>(sum);
}

void FormatNdjson(benchmark::State& state) {
  const auto all = batches(40'000, 0, 1, state.range(0) == 1);
  std::string out;
  for ([[maybe_unused]] auto one : state) {
    out.clear();
    for (const auto& page : all[0].pages) logs::append_ndjson(out, page.page.origin, page.page.records);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(message_bytes(all) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(FormatNdjson)->ArgName("json")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void WriteStore(benchmark::State& state) {
  const auto all = batches(400'000, 0, 8.64, state.range(0) == 1);
  const Evening clock;
  for ([[maybe_unused]] auto one : state) {
    const TemporaryFolder folder;
    logstore::Store store{{.directory = folder.path() / "store"}, clock};
    if (!store.begin_writing()) state.SkipWithError("cannot write");
    for (const auto& batch : all)
      if (!store.write(batch)) state.SkipWithError("not written");
  }
  state.SetBytesProcessed(message_bytes(all) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(WriteStore)->ArgName("json")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(1);

// A word of one record alone.
std::string& rare_word() {
  static std::string word;
  return word;
}

// The store with all records, made by the first search that asks for it.
logstore::Store& large_store() {
  static const TemporaryFolder folder;
  static const Evening clock;
  static logstore::Store store{{.directory = folder.path() / "store"}, clock};
  static const bool filled = [] {
    const char* wanted = std::getenv("DEPUTY_BENCH_RECORDS");
    const std::size_t count = wanted == nullptr ? 10'000'000 : std::strtoull(wanted, nullptr, 10);
    const double ms_apart = 79'000'000.0 / static_cast<double>(count);
    if (!store.begin_writing()) return false;
    for (std::size_t done = 0; done < count; done += 40'000) {
      const bool json = done % 80'000 == 0;
      const auto some = batches(std::min<std::size_t>(40'000, count - done), done, ms_apart, json);
      for (const auto& batch : some)
        if (!store.write(batch)) return false;
      if (json || !rare_word().empty()) continue;
      const std::string_view message = some[0].pages[0].page.records[77].message;
      rare_word() = message.substr(message.find("request_id=") + 11, 16);
    }
    return true;
  }();
  if (!filled) std::abort();
  return store;
}

void Search(benchmark::State& state, std::string query) {
  logstore::Store& store = large_store();
  if (query.empty() && state.range(0) == 1) query = rare_word();
  const logstore::SearchRequest request{.tenant = logs::an_origin().tenant, .query = query};
  std::size_t found = 0;
  for ([[maybe_unused]] auto one : state) {
    const auto page = store.search(request);
    if (!page) {
      state.SkipWithError(page.error().message.c_str());
      break;
    }
    found = page.value().items.size();
    if (page.value().cut_off) state.SetLabel("cut off");
  }
  state.counters["found"] = static_cast<double>(found);
}
BENCHMARK_CAPTURE(Search, rare_word, "")->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Search, common_word, "info")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Search, common_and_common, "info request_id")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Search, common_but_not, "level -info")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Search, field, "status:500 level:error")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Search, group, "group:/aws/lambda/* error")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Search, beginning, "abc*")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Search, everything, "")->Arg(0)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace deputy
