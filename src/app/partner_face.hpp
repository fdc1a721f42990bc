#pragma once

#include "connect/brand.hpp"
#include "webhooks/delivery.hpp"

#include <optional>

#include "app/config.hpp"
#include "core/result.hpp"

// What the files that the configuration names hold: the partner's brand, and where to tell the partner of
// what happens.
namespace deputy::app {

// `invalid_request` naming the setting.
Result<connect::Brand> load_brand(const Config& config);

// Nothing when no webhook is configured.
Result<std::optional<webhooks::DeliverySettings>> load_webhooks(const Config& config);

}  // namespace deputy::app
