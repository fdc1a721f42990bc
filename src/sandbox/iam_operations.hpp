#pragma once

#include "sandbox/roles.hpp"
#include "sandbox/services.hpp"

// What the two files of IAM's operations share.
namespace deputy::sandbox {

using IamOperation = Outcome<Reply> (*)(World&, const Call&, const Parameters&);

// The operation on managed policies, attachments and boundaries of this name; nullptr when it is none.
IamOperation find_policy_operation(std::string_view name);

Reply empty_reply();

// The role that the call names, if the caller may do `iam:OPERATION` to it. Who may not does not learn
// whether it exists. `context`: condition keys of the operation's own.
Outcome<std::shared_ptr<const Role>> permitted_role(World& world, const Call& call,
                                                    const Parameters& parameters,
                                                    std::vector<policy::ContextKey> context = {});

// One page of a map's keys, by MaxItems and Marker: the marker is the last key of the page before.
struct KeyPage {
  std::vector<std::string> keys;
  std::string marker;  // of the next page; empty: this is the last
};
template <class Map>
Outcome<KeyPage> page_of(const Map& map, const Parameters& parameters) {
  DEPUTY_TRY(const long long items_max, parameters.number("MaxItems", 100, 1, 1000));
  const std::string after{parameters.get("Marker")};
  KeyPage page;
  for (auto entry = after.empty() ? map.begin() : map.upper_bound(after); entry != map.end(); ++entry) {
    if (static_cast<long long>(page.keys.size()) == items_max) {
      page.marker = page.keys.back();
      break;
    }
    page.keys.push_back(entry->first);
  }
  return page;
}
void write_end_of(XmlWriter& xml, const KeyPage& page);

}  // namespace deputy::sandbox
