#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/success_failure.hpp>
#include <boost/outcome/try.hpp>

#include "core/error.hpp"

namespace deputy {

// A value or an Error; nodiscard, and there is no default success: say `return success();`.
// Asking for the value of a failure ends the process: look first, or use DEPUTY_TRY.
template <class T = void>
using Result = boost::outcome_v2::basic_result<T, Error, boost::outcome_v2::policy::terminate>;

using boost::outcome_v2::success;

}  // namespace deputy

// DEPUTY_TRY(auto x, expression): x is the value, or the enclosing function returns the Error.
// DEPUTY_TRY(expression) for void. DEPUTY_CO_TRY is the same inside a coroutine.
#define DEPUTY_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)
#define DEPUTY_CO_TRY(...) BOOST_OUTCOME_CO_TRY(__VA_ARGS__)
