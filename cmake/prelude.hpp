// The headers of others that most of the sources read, precompiled once for all: reading them is half of a cold
// build. No source may lean on it: each includes what it uses, which the preset `dev`, built without it, sees.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/outcome/basic_result.hpp>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
