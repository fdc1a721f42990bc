#pragma once

#include "logs/record.hpp"
#include "logstore/folder.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace deputy::logstore {

// Pages that wait beside a day's file, durable, until it is free. A write that was cut short (a full disk, a
// kill) leaves a part of a page: nothing is ever appended behind one, where no reader would come. For one
// writer; blocking.
class WaitingFile {
 public:
  WaitingFile(const Folder& folder, TenantId tenant, Day day);

  struct Content {
    std::vector<logs::RecordPage> pages;  // the whole ones from the front
    std::uint64_t whole_bytes = 0;        // of them
    std::uint64_t bytes = 0;              // of the file
  };
  bool exists() const;
  Result<Content> read() const;

  // Appends whole pages behind the first `whole_bytes` of the file, whatever lies there, and syncs them; what
  // was written of them is cut away again where that fails. What lies there is no page that `append` ever
  // acknowledged, if `whole_bytes` is what `read` said or what `append` left.
  Result<void> append(std::uint64_t whole_bytes, std::string_view pages) const;
  // Copies what lies behind the whole pages into a file of its own, for whoever wants to look: its name.
  Result<std::string> keep_rest(std::uint64_t whole_bytes) const;
  // All whole pages are stored. A file that has more than those is renamed and its new name given, never
  // removed: nobody knows what the rest was.
  Result<std::optional<std::string>> finish(const Content& content) const;

 private:
  const Folder& folder_;
  TenantId tenant_;
  Day day_;
  std::filesystem::path path_;
};

// What a failed call on a file of the store's is to an operator.
Error store_disk_error(int number, std::string_view doing, const std::filesystem::path& file);
// Makes the names in a folder durable.
Result<void> sync_folder(const std::filesystem::path& folder);
Result<std::vector<char>> read_whole(const std::filesystem::path& file);

}  // namespace deputy::logstore
