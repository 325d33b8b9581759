// Replies of hasyncd as text for people. Pure; a field that is missing or of another kind shows as "-".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "haipsec/table.h"

namespace hasync::haipsec {

std::string status_text(const nlohmann::ordered_json& status, const Look& look = {});
std::string nodes_text(const nlohmann::ordered_json& status, const Look& look = {});
std::string keys_text(const nlohmann::ordered_json& keys, const Look& look = {});
std::string vpe_text(const nlohmann::ordered_json& status, const Look& look = {});      // vped's
std::string findings_text(const nlohmann::ordered_json& reply, const Look& look = {});  // {"findings": [...]}
std::string tunnel_text(const nlohmann::ordered_json& tunnel, const Look& look = {});

// A long list, page by page: the columns are as wide as what has come so far needs.
class TunnelTable {
 public:
  // An array; the heading goes before the first.
  std::string page(const nlohmann::ordered_json& tunnels, const Look& look = {});

 private:
  std::vector<std::size_t> widths_;
};

}  // namespace hasync::haipsec
