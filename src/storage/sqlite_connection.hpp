#pragma once

#include "sqlite/connection.hpp"

#include "storage/value.hpp"

namespace deputy::storage {

using SqliteConnection = sqlite::Connection;
using sqlite::sqlite_error;
using sqlite::TransactionScope;

}  // namespace deputy::storage
