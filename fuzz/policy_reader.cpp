// Policy documents as anybody may write them: the reader takes what the executable specification takes and
// says where the fault is of what it does not; read, printed and read again a policy is the same;
// URL-encoding is undone exactly.
#include "policy_spec/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "json/reader.hpp"
#include "json/text.hpp"
#include "policy/policy.hpp"
#include "policy/trust_document.hpp"

namespace deputy {
namespace {

using policy::PolicyKind;
using policy_spec::Kind;

// Such characters may stand in a policy as escapes alone, which the tree does not show any more.
bool has_characters_beyond_latin(std::string_view text) {
  while (!text.empty()) {
    if (json::take_character(text) > 0xff) return true;
  }
  return false;
}

void check_error(const Error& error, bool too_long) {
  DEPUTY_ASSERT(too_long || error.message.find(" at line ") != std::string::npos);
  DEPUTY_ASSERT(error.message.size() < 1'000 && error.message.find('\n') == std::string::npos);
}

void read_as(const std::string& text, PolicyKind kind, Kind specified_kind) {
  const auto policy = policy::Policy::read(text, kind);
  const auto tree = json::read(text);
  if (!has_characters_beyond_latin(text))
    DEPUTY_ASSERT(policy.has_value() == (tree && policy_spec::is_valid(tree.value(), specified_kind)));
  if (!policy) return check_error(policy.error(), text.size() > std::size_t{64} * 1024);
  const std::string print = policy::print(policy.value());
  const auto again = policy::Policy::read(print, kind);
  DEPUTY_ASSERT(again.has_value() && again.value() == policy.value());
  DEPUTY_ASSERT(policy::print(again.value()) == print);
  for (const char c : print) DEPUTY_ASSERT(c >= 0x20 && c < 0x7f);
}

void encode_and_decode(const std::string& text) {
  std::string encoded;
  for (const char c : text) encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  const auto decoded = policy::decode_document(encoded);
  DEPUTY_ASSERT(!decoded || decoded.value() == text);
  DEPUTY_ASSERT(decoded || text.size() > std::size_t{64} * 1024);
}

}  // namespace
}  // namespace deputy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deputy;
  const std::string text{reinterpret_cast<const char*>(data), size};
  read_as(text, PolicyKind::trust, Kind::trust);
  read_as(text, PolicyKind::identity, Kind::identity);
  read_as(text, PolicyKind::resource, Kind::resource);
  read_as(text, PolicyKind::session, Kind::session);
  read_as(text, PolicyKind::permissions_boundary, Kind::boundary);
  encode_and_decode(text);
  if (const auto found = policy::find_trust_document(text); found.has_value())
    static_cast<void>(policy::decode_document(found.value().document));
  return 0;
}
