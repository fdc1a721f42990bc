#include "registry/registry.hpp"
#include "registry/text_rules.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

constexpr std::size_t name_bytes_max = 200;

}  // namespace

Result<Created<Tenant>> Registry::create_tenant(const Actor& actor, NewTenant tenant,
                                                std::optional<Idempotency> once) {
  DEPUTY_TRY(check_display_text(tenant.name, "name", name_bytes_max));
  if (tenant.reference) {
    DEPUTY_TRY(check_display_text(*tenant.reference, "reference", name_bytes_max));
  }
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<Created<Tenant>> {
    const auto find = [&](const std::string& text) -> Result<Tenant> {
      DEPUTY_TRY(const auto id, TenantId::parse(text));
      return required(tx.find_tenant(id), "tenant");
    };
    const auto make = [&]() -> Result<std::pair<Tenant, std::string>> {
      Tenant made{TenantId::draw(random_), tenant.name, tenant.reference, now};
      DEPUTY_TRY(tx.insert(made));
      DEPUTY_TRY(tx.append(entry_of(actor, now, "tenant.created", made.id.text(), made.id.text())));
      std::string id = made.id.text();
      return std::pair{std::move(made), std::move(id)};
    };
    return created_once<Tenant>(tx, once, now, find, make);
  });
}

Result<Tenant> Registry::tenant(const TenantId& id) {
  return in_read(store_, [&](Transaction& tx) { return required(tx.find_tenant(id), "tenant"); });
}

Result<Tenant> Registry::tenant_by_reference(const std::string& reference) {
  return in_read(store_,
                 [&](Transaction& tx) { return required(tx.find_tenant_by_reference(reference), "tenant"); });
}

Result<Page<Tenant>> Registry::tenants(const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_tenants(page); });
}

}  // namespace deputy::registry
