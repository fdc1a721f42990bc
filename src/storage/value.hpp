#pragma once

#include "sqlite/value.hpp"

namespace deputy::storage {

using sqlite::Blob;
using sqlite::Row;
using sqlite::Value;

}  // namespace deputy::storage
