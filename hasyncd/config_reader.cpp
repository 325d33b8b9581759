// TOML into rows, by the table of keys: syntax, unknown names, kinds and ranges. The only file of hasyncd
// that knows TOML.
#include <algorithm>
#include <optional>

#include "base/toml.h"
#include "hasyncd/config_keys.h"

namespace hasync::hasyncd {
namespace {

std::string full_name(const KeyDefinition& key) {
  return std::string(key.table) + "." + key.name;
}

template <typename Range, typename Name>
std::string listed(const Range& range, Name name) {
  std::string out;
  for (const auto& item : range) out += (out.empty() ? "" : ", ") + std::string(name(item));
  return out;
}

std::string shown(const toml::node& node) {
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  return out.str();
}

class Reader {
 public:
  ConfigRows read(const toml::table& root) {
    for (const auto& [name, node] : root) check_known(std::string(name.str()), node);
    for (const TableDefinition& table : config_tables()) read_table(table, root.get(table.name));
    return std::move(rows_);
  }

 private:
  void problem(std::uint32_t line, std::string text) { rows_.problems.push_back({line, std::move(text)}); }

  void check_known(const std::string& name, const toml::node& node) {
    const auto tables = config_tables();
    if (std::ranges::any_of(tables, [&](const TableDefinition& t) { return name == t.name; })) return;
    problem(node.source().begin.line, name + ": unknown table; known are " +
                                          listed(tables, [](const TableDefinition& t) { return t.name; }));
  }

  void read_table(const TableDefinition& table, const toml::node* node) {
    std::vector<ConfigRow>& rows = rows_.tables[table.name];
    if (table.repeated) {
      if (node == nullptr) return;
      const toml::array* array = node->as_array();
      if (array == nullptr || !array->is_homogeneous<toml::table>()) {
        return refuse(table, *node, "must be written as [[" + std::string(table.name) + "]]");
      }
      for (const toml::node& element : *array) read_row(table, element.as_table(), rows);
      return;
    }
    if (node != nullptr && !node->is_table()) {
      refuse(table, *node, "must be a table, [" + std::string(table.name) + "]");
      node = nullptr;
    }
    read_row(table, node == nullptr ? nullptr : node->as_table(), rows);
  }

  void refuse(const TableDefinition& table, const toml::node& node, const std::string& why) {
    problem(node.source().begin.line, std::string(table.name) + ": " + why);
    for (const KeyDefinition* key : keys_of(table.name)) rows_.unread.insert(full_name(*key));
  }

  void read_row(const TableDefinition& definition, const toml::table* table, std::vector<ConfigRow>& rows) {
    ConfigRow row;
    if (table != nullptr) {
      row.line = table->source().begin.line;
      check_keys(definition, *table);
    }
    for (const KeyDefinition* key : keys_of(definition.name)) {
      const toml::node* node = table == nullptr ? nullptr : table->get(key->name);
      if (node != nullptr) row.lines[key->name] = node->source().begin.line;
      row.values[key->name] = node == nullptr ? absent(*key, row.line) : present(*key, *node);
    }
    rows.push_back(std::move(row));
  }

  void check_keys(const TableDefinition& definition, const toml::table& table) {
    const auto keys = keys_of(definition.name);
    for (const auto& [name, node] : table) {
      const std::string key(name.str());
      if (std::ranges::any_of(keys, [&](const KeyDefinition* k) { return key == k->name; })) continue;
      problem(node.source().begin.line, std::string(definition.name) + "." + key +
                                            ": unknown key; known are " +
                                            listed(keys, [](const KeyDefinition* k) { return k->name; }));
    }
  }

  ConfigValue absent(const KeyDefinition& key, std::uint32_t line) {
    if (key.absent == nullptr) {
      problem(line, full_name(key) + ": is required: " + key.help);
      rows_.unread.insert(full_name(key));
    }
    const std::string text = key.absent == nullptr ? "" : key.absent;
    switch (key.kind) {
      case KeyKind::Integer:
        return text.empty() ? std::int64_t{0} : std::int64_t{std::stoll(text)};
      case KeyKind::Boolean:
        return text == "true";
      case KeyKind::Text:
      case KeyKind::Path:
        return text;
      case KeyKind::TextList:
        break;
    }
    return std::vector<std::string>{};
  }

  // The value, or the default after a problem was noted.
  ConfigValue present(const KeyDefinition& key, const toml::node& node) {
    std::optional<ConfigValue> value = taken(key, node);
    if (value) return *std::move(value);
    problem(node.source().begin.line,
            full_name(key) + ": " + shown(node) + " is not allowed; allowed: " + range_text(key));
    rows_.unread.insert(full_name(key));
    return absent(key.absent == nullptr ? optional_form(key) : key, 0);
  }

  static KeyDefinition optional_form(KeyDefinition key) {
    key.absent = "";
    return key;
  }

  static std::optional<ConfigValue> taken(const KeyDefinition& key, const toml::node& node) {
    switch (key.kind) {
      case KeyKind::Integer: {
        const std::optional<std::int64_t> number = node.value_exact<std::int64_t>();
        if (!number || *number < key.min || *number > key.max) return {};
        return *number;
      }
      case KeyKind::Boolean: {
        const std::optional<bool> flag = node.value_exact<bool>();
        if (!flag) return {};
        return *flag;
      }
      case KeyKind::Text:
      case KeyKind::Path:
        return taken_text(key, node);
      case KeyKind::TextList:
        return taken_list(node);
    }
    return {};
  }

  static std::optional<ConfigValue> taken_text(const KeyDefinition& key, const toml::node& node) {
    const std::optional<std::string> text = node.value_exact<std::string>();
    if (!text || text->empty() || text->find('\0') != std::string::npos) return {};
    if (key.kind == KeyKind::Path && text->front() != '/') return {};
    if (key.allowed == nullptr) return *text;
    const std::string choices = "|" + std::string(key.allowed) + "|";
    if (choices.find("|" + *text + "|") == std::string::npos || text->find('|') != std::string::npos)
      return {};
    return *text;
  }

  static std::optional<ConfigValue> taken_list(const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return {};
    std::vector<std::string> out;
    for (const toml::node& element : *array) {
      const std::optional<std::string> text = element.value_exact<std::string>();
      if (!text || text->empty()) return {};
      out.push_back(*text);
    }
    return out;
  }

  ConfigRows rows_;
};

}  // namespace

ConfigRows read_rows(const std::string& text) {
  const toml::parse_result parsed = toml::parse(text);
  if (parsed) return Reader().read(parsed.table());
  ConfigRows out;
  out.problems.push_back(
      {parsed.error().source().begin.line, "not TOML: " + std::string(parsed.error().description())});
  return out;
}

}  // namespace hasync::hasyncd
