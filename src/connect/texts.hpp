#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Every English sentence of the connect page, and nothing else: to be read, corrected and translated in one
// place. In a text, `{tenant}` stands for a value, `` `word` `` is set as code and `*word*` is strong;
// nothing else has a meaning of its own.
namespace deputy::connect {

// An unknown key ends the process: keys stand in the code and the pages only.
std::string_view text(std::string_view key);
// With its values filled in, for what stands in no page of its own. All that the text names must be given.
std::string filled(std::string_view key,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> values);
// For values that the code names, such as a check's: nothing when the key is unknown.
std::string_view text_or_nothing(std::string_view key);
const std::vector<std::pair<std::string_view, std::string_view>>& texts();

}  // namespace deputy::connect
