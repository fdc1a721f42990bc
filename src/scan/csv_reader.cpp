#include "scan/csv_reader.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <string_view>

#include "core/assert.hpp"

namespace deputy::scan {
namespace {

constexpr int end_of_file = -1;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Digest = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

}  // namespace

struct CsvReader::State {
  std::FILE* file;
  Digest digest{EVP_MD_CTX_new()};
  std::vector<char> buffer = std::vector<char>(64 * 1024);
  std::size_t at = 0;
  std::size_t filled = 0;
  std::size_t line = 1;
  bool at_start = true;
  bool ended = false;

  explicit State(std::FILE* file_) : file(file_) {
    DEPUTY_ASSERT(digest && EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) == 1);
  }

  bool fill() {
    at = 0;
    filled = std::fread(buffer.data(), 1, buffer.size(), file);
    DEPUTY_ASSERT(EVP_DigestUpdate(digest.get(), buffer.data(), filled) == 1);
    return filled > 0;
  }
  int peek() {
    if (at == filled && !fill()) return end_of_file;
    return static_cast<unsigned char>(buffer[at]);
  }
  int take() {
    const int c = peek();
    if (c == end_of_file) return c;
    ++at;
    if (c == '\n') ++line;
    return c;
  }

  Error wrong(std::size_t where, std::string_view what) {
    ended = true;
    return {ErrorKind::invalid_request, fmt::format("line {}: {}", where, what)};
  }

  void skip_byte_order_mark() {
    constexpr std::string_view mark = "\xef\xbb\xbf";
    if (peek() == end_of_file) return;  // at the start the buffer holds the first bytes together
    if (std::string_view{buffer.data(), filled}.starts_with(mark)) at = mark.size();
  }

  bool at_line_end() {
    const int c = peek();
    if (c == '\n') return true;
    if (c != '\r') return false;
    // A CR alone is data; only before LF is it the end of the line.
    if (at + 1 < filled) return buffer[at + 1] == '\n';
    const int next = std::fgetc(file);
    if (next != EOF) std::ungetc(next, file);
    return next == '\n';
  }
  void take_line_end() {
    if (peek() == '\r') take();
    if (peek() == '\n') take();
  }

  Result<void> add(CsvRecord& record, std::size_t& bytes, int c) {
    if (c == 0) return wrong(line, "a NUL byte: this is no text file");
    if (++bytes > record_bytes_max)
      return wrong(record.line,
                   fmt::format("longer than {} bytes: is a closing quote missing?", record_bytes_max));
    record.fields.back().push_back(static_cast<char>(c));
    return success();
  }

  // The opening quote is taken.
  Result<void> quoted(CsvRecord& record, std::size_t& bytes) {
    for (;;) {
      const int c = take();
      if (c == end_of_file) return wrong(record.line, "a quote that is never closed");
      if (c == '"') {
        if (peek() != '"') break;
        take();
      }
      DEPUTY_TRY(add(record, bytes, c));
    }
    if (peek() == ',' || peek() == end_of_file || at_line_end()) return success();
    return wrong(line, "something behind a closing quote; a quote within a field is written twice");
  }

  Result<void> plain(CsvRecord& record, std::size_t& bytes) {
    while (peek() != ',' && peek() != end_of_file && !at_line_end()) {
      const int c = take();
      if (c == '"') return wrong(line, "a quote within a field that does not begin with one");
      DEPUTY_TRY(add(record, bytes, c));
    }
    return success();
  }

  Result<CsvRecord> record() {
    CsvRecord made{.line = line, .fields = {}};
    std::size_t bytes = 0;
    for (;;) {
      if (made.fields.size() == fields_max)
        return wrong(made.line, fmt::format("more than {} fields", fields_max));
      made.fields.emplace_back();
      if (peek() == '"') {
        take();
        DEPUTY_TRY(quoted(made, bytes));
      } else {
        DEPUTY_TRY(plain(made, bytes));
      }
      if (peek() != ',') break;
      take();
    }
    take_line_end();
    return made;
  }
};

CsvReader::CsvReader(std::FILE* file) : state_(std::make_unique<State>(file)) {}
CsvReader::~CsvReader() = default;
CsvReader::CsvReader(CsvReader&&) noexcept = default;

Result<std::optional<CsvRecord>> CsvReader::next() {
  State& state = *state_;
  if (state.ended) return std::optional<CsvRecord>{};
  if (std::exchange(state.at_start, false)) state.skip_byte_order_mark();
  while (state.peek() != end_of_file && state.at_line_end()) state.take_line_end();
  if (state.peek() == end_of_file) {
    state.ended = true;
    if (std::ferror(state.file) != 0) return state.wrong(state.line, "the file cannot be read further");
    return std::optional<CsvRecord>{};
  }
  DEPUTY_TRY(auto record, state.record());
  return std::optional{std::move(record)};
}

std::string CsvReader::sha256_hex() const {
  const Digest copy{EVP_MD_CTX_new()};
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  DEPUTY_ASSERT(copy && EVP_MD_CTX_copy_ex(copy.get(), state_->digest.get()) == 1 &&
                EVP_DigestFinal_ex(copy.get(), bytes.data(), &size) == 1);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

}  // namespace deputy::scan
