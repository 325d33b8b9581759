// Text as a terminal shows it: UTF-8, in columns. Pure.
#pragma once

#include <string>
#include <string_view>

namespace hasync::haipsec {

// Wide characters take two, combining ones none.
std::size_t columns(std::string_view text);

// At most that many columns; an ellipsis stands for what was left out.
std::string shortened(const std::string& text, std::size_t most);

// Nothing in it steers the terminal.
std::string printable(std::string_view text);

}  // namespace hasync::haipsec
