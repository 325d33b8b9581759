// The one table of configuration keys: it drives the reader, the errors and the reference (docs/config.md and
// hasyncd.toml(5)).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace hasync::hasyncd {

enum class KeyKind { Integer, Boolean, Text, Path, TextList };

struct KeyDefinition {
  const char* table;
  const char* name;
  KeyKind kind;
  const char* absent;  // default, as written in TOML; nullptr: the key is required; "": may be absent
  std::int64_t min;    // integers
  std::int64_t max;
  const char* allowed;  // texts: the choices, separated by '|'; nullptr: any
  const char* unit;
  const char* help;
};

struct TableDefinition {
  const char* name;
  bool repeated;  // [[name]]
  const char* help;
};

std::span<const TableDefinition> config_tables();
std::span<const KeyDefinition> config_keys();
std::vector<const KeyDefinition*> keys_of(const std::string& table);
std::string range_text(const KeyDefinition& key);  // "10 to 1000 ms", "gateway or witness"
std::string config_reference();                    // docs/config.md
std::string config_manual();                       // hasyncd.toml(5)

using ConfigValue = std::variant<std::int64_t, bool, std::string, std::vector<std::string>>;

// What was read: one Row per table, or per element of a repeated one. Every value is of the kind and in the
// range that its key has; defaults are filled in.
struct ConfigRow {
  std::uint32_t line = 0;
  std::map<std::string, ConfigValue> values;
  std::map<std::string, std::uint32_t> lines;  // of keys that the file has

  std::uint32_t line_of(const std::string& key) const;
  std::int64_t integer(const std::string& key) const { return std::get<std::int64_t>(values.at(key)); }
  bool boolean(const std::string& key) const { return std::get<bool>(values.at(key)); }
  const std::string& text(const std::string& key) const { return std::get<std::string>(values.at(key)); }
  const std::vector<std::string>& list(const std::string& key) const {
    return std::get<std::vector<std::string>>(values.at(key));
  }
};

struct ConfigProblem {
  std::uint32_t line = 0;
  std::string text;
};

struct ConfigRows {
  std::map<std::string, std::vector<ConfigRow>> tables;
  std::vector<ConfigProblem> problems;
  std::set<std::string> unread;  // "table.key" of which a value is missing or not allowed

  const ConfigRow& only(const std::string& table) const { return tables.at(table).front(); }
};

ConfigRows read_rows(const std::string& toml);

}  // namespace hasync::hasyncd
