#pragma once

#include <string>
#include <string_view>

namespace deputy::connect {

// The whole source of a page's template, put together from `pages/`:
//   [[>part]] and [[>part:NAME]]  another file of `pages/`, in which `@@` stands for NAME
//   [[key]]                       a text as HTML: values in <bdi>, code and strong set as such
//   [[?state.*.note]]             every text with such a key, each in a part of its own: the code shows one
//   [[=key]]                      a text for an attribute: values alone
// Values become `{{NAME}}` for the template library, which escapes them where they stand. Only files and
// texts that are built into the program go in here, never a value.
std::string page_source(std::string_view page);

// The name of the part that `[[?…]]` makes for a key: `TEXT_STATE_ACTIVE_NOTE`.
std::string part_of_text(std::string_view key);

// A text as HTML, and for an attribute.
std::string text_as_html(std::string_view text);
std::string text_as_attribute(std::string_view text);

}  // namespace deputy::connect
