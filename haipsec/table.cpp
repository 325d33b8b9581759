#include "haipsec/table.h"

#include <algorithm>
#include <numeric>

#include "haipsec/display.h"

namespace hasync::haipsec {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 8;  // no column is shortened further

std::vector<std::size_t> fitting(std::vector<std::size_t> widths, std::size_t most) {
  if (most == 0 || widths.empty()) return widths;
  std::size_t whole = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  for (; whole > most; --whole) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= kNarrowest) break;
    --*widest;
  }
  return widths;
}

void widen(std::vector<std::size_t>& widths, const Rows& rows) {
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i].text));
  }
}

const char* code_of(Colour colour) {
  if (colour == Colour::Red) return "\x1b[31m";
  return colour == Colour::Yellow ? "\x1b[33m" : "\x1b[32m";
}

}  // namespace

std::string painted(const std::string& text, Colour colour, const Look& look) {
  return colour == Colour::None || !look.colours ? text : code_of(colour) + text + "\x1b[0m";
}

std::string table_text(const Rows& rows, const Look& look) {
  std::vector<std::size_t> widths;
  return table_text(rows, look, widths);
}

std::string table_text(const Rows& rows, const Look& look, std::vector<std::size_t>& widths) {
  widen(widths, rows);
  const std::vector<std::size_t> fit = fitting(widths, look.width);
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string text = shortened(row[i].text, fit[i]);
      out += painted(text, row[i].colour, look);
      if (i + 1 < row.size()) out.append(fit[i] - columns(text) + kGap, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string facts_text(const Rows& rows, const Look& look) {
  return table_text(rows, {.colours = look.colours});
}

}  // namespace hasync::haipsec
