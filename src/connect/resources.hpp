#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace deputy::connect {

// The files of `pages/`, built into the program: pages and their parts (`ask.html`), `style.css`,
// `connect.js`. Static storage. An unknown name ends the process: names stand in the code only.
std::string_view resource(std::string_view name);
const std::vector<std::pair<std::string_view, std::string_view>>& resources();

}  // namespace deputy::connect
