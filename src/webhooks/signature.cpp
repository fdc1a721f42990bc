#include "webhooks/signature.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file_descriptor.hpp"

namespace deputy::webhooks {
namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t key_bytes_min = 24;
constexpr std::size_t key_bytes_max = 64;
constexpr std::size_t file_bytes_max = 4'096;
constexpr std::size_t secrets_max = 2;

Error wrong(std::string what) {
  return Error{ErrorKind::invalid_request, std::move(what)};
}

Result<SecretString> parse_secret(std::string_view line) {
  const Error not_one = wrong(
      "a webhook secret is `whsec_` and the base64 of 24 to 64 random bytes, such as "
      "`echo whsec_$(openssl rand -base64 32)` prints");
  if (!line.starts_with(prefix)) return not_one;
  const std::string_view encoded = line.substr(prefix.size());
  std::string bytes(encoded.size(), '\0');
  std::size_t length = 0;
  const int failed =
      sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), encoded.data(),
                        encoded.size(), nullptr, &length, nullptr, sodium_base64_VARIANT_ORIGINAL);
  bytes.resize(failed == 0 ? length : 0);
  SecretString key = SecretString::take(bytes);
  if (key.size() < key_bytes_min || key.size() > key_bytes_max) return not_one;
  return key;
}

std::string base64(const unsigned char* bytes, std::size_t length) {
  std::string text(sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, length, sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the NUL
  return text;
}

}  // namespace

Result<std::vector<SecretString>> parse_secrets(std::string_view text) {
  std::vector<SecretString> secrets;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    DEPUTY_TRY(auto secret, parse_secret(line));
    secrets.push_back(std::move(secret));
  }
  if (secrets.empty()) return wrong("the webhook secret's file is empty");
  if (secrets.size() > secrets_max) return wrong("the webhook secret's file has more than two secrets");
  return secrets;
}

Result<std::vector<SecretString>> load_secrets(const std::filesystem::path& file) {
  const FileDescriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!descriptor) return wrong(in_backticks(file.string()) + " cannot be read: " + std::strerror(errno));
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return wrong(in_backticks(file.string()) + " is no file");
  if ((status.st_mode & 077) != 0)
    return wrong(in_backticks(file.string()) + " can be read by others; run `chmod 600` on it");
  std::string text(file_bytes_max, '\0');
  const ssize_t length = ::read(descriptor.get(), text.data(), text.size());
  const SecretString content{
      std::string_view{text}.substr(0, length < 0 ? 0 : static_cast<std::size_t>(length))};
  wipe(text);
  auto secrets = parse_secrets(content.reveal());
  if (!secrets) return wrong(in_backticks(file.string()) + ": " + secrets.error().message);
  return secrets;
}

std::string timestamp_text(Timestamp at) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count());
}

std::string signatures(const std::vector<SecretString>& secrets, std::string_view id, Timestamp at,
                       std::string_view body) {
  std::string signed_text{id};
  signed_text += '.' + timestamp_text(at) + '.';
  signed_text += body;
  std::string value;
  for (const SecretString& secret : secrets) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.reveal().data()),
                                secret.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(signed_text.data()),
                                  signed_text.size());
    crypto_auth_hmacsha256_final(&state, mac);
    if (!value.empty()) value += ' ';
    value += "v1," + base64(mac, sizeof mac);
    sodium_memzero(&state, sizeof state);
  }
  return value;
}

}  // namespace deputy::webhooks
