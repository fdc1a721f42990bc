#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "core/result.hpp"

// Answers of the API as text for people. Whoever answers at DEPUTY_URL, and whoever named a tenant, reaches a
// terminal only with what can be seen.
namespace deputy::cli {

// A string as it is, everything else as JSON; made safe.
std::string shown(const boost::json::value& value);

// `name: value`, a line each; what is null is left out.
void print_members(const boost::json::object& object);

// One line of what is neither null nor structured.
void print_row(const boost::json::object& object);

// Text as it came; on a terminal without what would steer it.
void print_as_it_is(const std::string& text);

// Whether everything that was printed so far has left this process; a full disk, say, or a closed pipe is an
// error. What is shown once is lost then, so each command ends with this, and whoever can undo asks before.
Result<void> finish_output();

}  // namespace deputy::cli
