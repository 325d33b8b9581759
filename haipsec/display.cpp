#include "haipsec/display.h"

#include <locale.h>

#include <algorithm>
#include <cwchar>

namespace hasync::haipsec {
namespace {

struct Sign {
  std::size_t bytes = 1;
  int columns = 1;  // below 0: a control character
};

// ASCII without control characters, as nearly all is.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

// Whatever the user's locale is: what hasyncd tells is UTF-8. Where the C library has no such locale, bytes
// are counted.
class InUtf8 {
 public:
  InUtf8() : before_(::uselocale(locale())) {}
  ~InUtf8() { ::uselocale(before_); }
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;

 private:
  static locale_t locale() {
    static const locale_t kUtf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return kUtf8;
  }
  locale_t before_;
};

Sign first_of(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, first < ' ' || first == 0x7f ? -1 : 1};
  const InUtf8 in_utf8;
  std::mbstate_t state{};
  wchar_t sign = 0;
  const std::size_t bytes = std::mbrtowc(&sign, text.data(), text.size(), &state);
  if (bytes == 0 || bytes > text.size()) return {};
  return {bytes, ::wcwidth(sign)};
}

}  // namespace

std::size_t columns(std::string_view text) {
  if (is_plain(text)) return text.size();
  std::size_t out = 0;
  for (Sign sign; !text.empty(); text.remove_prefix(sign.bytes)) {
    sign = first_of(text);
    out += static_cast<std::size_t>(std::max(sign.columns, 0));
  }
  return out;
}

std::string shortened(const std::string& text, std::size_t most) {
  if (columns(text) <= most) return text;
  std::string_view left = text;
  for (std::size_t used = 1; !left.empty();) {
    const Sign sign = first_of(left);
    used += static_cast<std::size_t>(std::max(sign.columns, 0));
    if (used > most) break;
    left.remove_prefix(sign.bytes);
  }
  return text.substr(0, text.size() - left.size()) + "…";
}

std::string printable(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out;
  for (Sign sign; !text.empty(); text.remove_prefix(sign.bytes)) {
    sign = first_of(text);
    out += sign.columns < 0 ? "?" : text.substr(0, sign.bytes);
  }
  return out;
}

}  // namespace hasync::haipsec
