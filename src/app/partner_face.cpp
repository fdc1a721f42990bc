#include "app/partner_face.hpp"

#include "webhooks/signature.hpp"

#include <fstream>
#include <iterator>
#include <string>

namespace deputy::app {
namespace {

constexpr std::string_view unnamed = "Deputy";

Result<std::optional<std::string>> read_logo(const std::optional<std::filesystem::path>& file) {
  if (!file) return std::optional<std::string>{};
  std::ifstream in{*file, std::ios::binary};
  std::string bytes(connect::logo_bytes_max + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (bytes.empty())
    return Error{ErrorKind::invalid_request, "`connect.brand_logo_file`: " + in_backticks(file->string()) +
                                                 " cannot be read, or is empty"};
  return std::optional{std::move(bytes)};
}

Error of_setting(Error error, std::string_view setting) {
  error.message = "`" + std::string{setting} + "`: " + error.message;
  return error;
}

}  // namespace

Result<connect::Brand> load_brand(const Config& config) {
  DEPUTY_TRY(auto logo, read_logo(config.connect.brand_logo_file));
  auto brand = connect::make_brand(config.connect.brand_name.value_or(std::string{unnamed}),
                                   config.connect.brand_colour, std::move(logo));
  if (brand.has_error()) return of_setting(brand.error(), "connect.brand_*");
  return brand;
}

Result<std::optional<webhooks::DeliverySettings>> load_webhooks(const Config& config) {
  if (!config.webhooks.url || !config.webhooks.secret_file)
    return std::optional<webhooks::DeliverySettings>{};
  auto secrets = webhooks::load_secrets(*config.webhooks.secret_file);
  if (secrets.has_error()) return of_setting(secrets.error(), "webhooks.secret_file");
  return std::optional{
      webhooks::DeliverySettings{.url = *config.webhooks.url, .secrets = std::move(secrets).value()}};
}

}  // namespace deputy::app
