// What cmake/prelude.hpp is to the sources, for the tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prelude.hpp"
