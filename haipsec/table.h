// Rows as text in columns, as wide as they need to be and two spaces apart. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hasync::haipsec {

// What the output can show.
struct Look {
  std::size_t width = 0;  // columns; 0: no limit
  bool colours = false;
};

enum class Colour { None, Red, Yellow, Green };

struct Cell {
  Cell(std::string words, Colour of = Colour::None) : text(std::move(words)), colour(of) {}
  Cell(const char* words, Colour of = Colour::None) : text(words), colour(of) {}
  std::string text;
  Colour colour;
};
using Rows = std::vector<std::vector<Cell>>;  // the first is the heading, if there is one

std::string painted(const std::string& text, Colour colour, const Look& look);

// What is too wide is shortened, the widest columns first.
std::string table_text(const Rows& rows, const Look& look);
// The same, at least `widths` wide, which become those of this table: what it would need without a limit.
std::string table_text(const Rows& rows, const Look& look, std::vector<std::size_t>& widths);

// Never shortened: it is what somebody asked for.
std::string facts_text(const Rows& rows, const Look& look);

}  // namespace hasync::haipsec
