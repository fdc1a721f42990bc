#include "api/authorization.hpp"

namespace deputy::api {

Result<void> authorize(const Route& route, const registry::Key& key,
                       const std::vector<std::string>& parameters) {
  if (!route.access.admits(key.role))
    return Error{ErrorKind::forbidden,
                 "a key of the role `" + std::string{registry::to_text(key.role)} + "` may not do this"};
  if (!key.connection_id) return success();
  if (!route.narrowed_keys)
    return Error{ErrorKind::forbidden, "a key for one connection alone may not do this"};
  if (route.takes("connection") && parameters.at(0) != key.connection_id->text())
    return Error{ErrorKind::not_found, "no such connection"};
  return success();
}

}  // namespace deputy::api
