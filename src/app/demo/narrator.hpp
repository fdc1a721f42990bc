#pragma once

#include <string>
#include <string_view>

namespace deputy::app {

// Tells the demo's story on standard output: numbered chapters, and in each what was asked, what came back,
// and what it means.
class Narrator {
 public:
  explicit Narrator(bool colour) : colour_(colour) {}

  void title(std::string_view text);
  void chapter(std::string_view text);
  void asked(std::string_view who, std::string_view what);
  void came_back(std::string_view what);  // as it should be
  void refused(std::string_view what);    // a refusal, as it should be
  void meaning(std::string_view text);
  void went_wrong(std::string_view what);
  void plain(std::string_view text);

 private:
  void line(std::string_view style, std::string_view mark, std::string_view text);
  const bool colour_;
  int chapters_ = 0;
};

}  // namespace deputy::app
