// What cmake/prelude.hpp is to the sources, for the tests.
#pragma once

// clang-format off: what all tests read, then what all sources do
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prelude.hpp"
