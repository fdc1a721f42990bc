#include "sandbox/yaml_reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace deputy::sandbox {
namespace {

constexpr std::size_t bytes_max = 51'200;
constexpr std::size_t depth_max = 40;
constexpr std::size_t nodes_max = 10'000;

// Leaves the parser from within its events; caught in read_yaml.
struct Refused {
  std::string reason;
  std::size_t line;
};

std::size_t line_of(const YAML::Mark& mark) {
  return static_cast<std::size_t>(mark.line < 0 ? 0 : mark.line) + 1;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{"null values are not allowed in templates", line_of(mark)};
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{"YAML aliases are not allowed in CloudFormation templates", line_of(mark)};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = start(mark, tag, anchor, YamlNode::Kind::scalar);
    node.text = value;
    node.plain = tag == "?";
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::map && !open_.back().name) {
      take_name(std::move(node));
      return;
    }
    place(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    push(start(mark, tag, anchor, YamlNode::Kind::sequence));
  }
  void OnSequenceEnd() override { pop(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    push(start(mark, tag, anchor, YamlNode::Kind::map));
  }
  void OnMapEnd() override { pop(); }

  std::optional<YamlNode> take() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    std::optional<std::string> name;  // of the member whose value comes next
  };

  YamlNode start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (anchor != YAML::NullAnchor)
      throw Refused{"YAML anchors are not allowed in CloudFormation templates", line_of(mark)};
    if (++nodes_ > nodes_max)
      throw Refused{fmt::format("there are more than {} values", nodes_max), line_of(mark)};
    YamlNode node;
    node.kind = kind;
    node.line = line_of(mark);
    // yaml-cpp says `?` for a plain value and `!` for a quoted one without a tag.
    if (tag != "?" && tag != "!" && !tag.empty()) node.tag = tag;
    return node;
  }

  void take_name(YamlNode node) {
    const auto& members = open_.back().node.members;
    if (!node.tag.empty()) throw Refused{"a name has a tag", node.line};
    if (std::ranges::find(members, node.text, &YamlMember::name) != members.end())
      throw Refused{fmt::format("the name {} is given twice", in_backticks(node.text)), node.line};
    open_.back().name = std::move(node.text);
  }

  void push(YamlNode node) {
    if (open_.size() >= depth_max)
      throw Refused{fmt::format("it nests deeper than {} levels", depth_max), node.line};
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::map && !open_.back().name)
      throw Refused{"a name is not a plain text", node.line};
    open_.push_back({std::move(node), std::nullopt});
  }

  void pop() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }

  void place(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().node.kind == YamlNode::Kind::sequence) {
      open_.back().node.elements.push_back(std::move(node));
    } else {
      open_.back().node.members.push_back({*std::move(open_.back().name), std::move(node)});
      open_.back().name.reset();
    }
  }

  std::vector<Open> open_;
  std::optional<YamlNode> root_;
  std::size_t nodes_ = 0;
};

// Whatever follows the document.
class NothingMore final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw Refused{"there is a second document", line_of(mark)};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

Error wrong(const std::string& reason, std::size_t line) {
  return {ErrorKind::invalid_request, fmt::format("{} at line {}", reason, line)};
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view name) const {
  for (const auto& [member, value] : members)
    if (member == name) return &value;
  return nullptr;
}

Result<YamlNode> read_yaml(std::string_view text) {
  if (text.size() > bytes_max)
    return Error{ErrorKind::payload_too_large, fmt::format("it is longer than {} bytes", bytes_max)};
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    TreeBuilder builder;
    parser.HandleNextDocument(builder);
    NothingMore nothing;
    parser.HandleNextDocument(nothing);
    auto root = builder.take();
    if (!root) return wrong("there is nothing in it", 1);
    return *std::move(root);
  } catch (const Refused& refused) {
    return wrong(refused.reason, refused.line);
  } catch (const YAML::Exception& exception) {
    return wrong(exception.msg, line_of(exception.mark));
  }
}

}  // namespace deputy::sandbox
