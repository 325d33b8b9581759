// Replies of hasyncd as text for people. Pure; a field that is missing or of another kind shows as "-".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace hasync::haipsec {

std::string status_text(const nlohmann::ordered_json& status);
std::string nodes_text(const nlohmann::ordered_json& status);
std::string keys_text(const nlohmann::ordered_json& keys);
std::string vpe_text(const nlohmann::ordered_json& status);      // vped's
std::string findings_text(const nlohmann::ordered_json& reply);  // {"findings": [...]}
std::string tunnel_text(const nlohmann::ordered_json& tunnel);

// Columns as wide as they need to be, two spaces between them; the first row is the heading.
std::string table_text(const std::vector<std::vector<std::string>>& rows);
// The same, at least `widths` wide, which become those of this table.
std::string table_text(const std::vector<std::vector<std::string>>& rows, std::vector<std::size_t>& widths);

// A long list, page by page: the columns are as wide as what has come so far needs.
class TunnelTable {
 public:
  std::string page(const nlohmann::ordered_json& tunnels);  // an array; the heading goes before the first

 private:
  std::vector<std::size_t> widths_;
};

}  // namespace hasync::haipsec
