#include "support/source_folder.hpp"

namespace deputy {

std::string in_source_folder(std::string_view path) {
  return std::string{DEPUTY_SOURCE_DIR}.append("/").append(path);
}

}  // namespace deputy
