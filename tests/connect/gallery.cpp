#include "connect/sample_views.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>

// Writes every screen of the connect page, with its assets, into a folder that any web server can show:
// `connect_gallery DIRECTORY [BRAND [COLOUR]]`.
int main(int count, char** words) {
  namespace fs = std::filesystem;
  if (count < 2) {
    std::cerr << "usage: connect_gallery DIRECTORY [BRAND [COLOUR]]\n";
    return 2;
  }
  auto brand = count < 3 ? deputy::Result<deputy::connect::Brand>{deputy::connect::samples::northwind()}
                         : deputy::connect::make_brand(
                               words[2], count > 3 ? std::optional<std::string>{words[3]} : std::nullopt,
                               std::nullopt);
  if (brand.has_error()) {
    std::cerr << brand.error().message << "\n";
    return 2;
  }
  const fs::path directory{words[1]};
  const deputy::connect::Screens screens{std::move(brand).value()};
  const auto write = [&](const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
  };
  for (const auto& screen : deputy::connect::samples::all_screens(screens))
    write(directory / (screen.name + ".html"), screen.html);
  for (const auto& asset : screens.assets().all()) write(directory / asset.path.substr(1), asset.body);
}
