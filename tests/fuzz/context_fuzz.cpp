// A context, alone or in a file as `haipsec get` writes it: what is accepted can be given other numbers, and
// is otherwise the same afterwards.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string_view>

#include "base/bytes.h"
#include "ctx-transfer/context_codec.h"
#include "hasyncd/adapters/seal.h"

namespace {

using namespace hasync;

void decode(std::string_view bytes) {
  const auto context = ctx::decode_context(bytes);
  if (!context) {
    if (context.error().what.empty()) std::abort();
    return;
  }
  std::map<OutboundKey, std::uint64_t> numbers;
  auto wanted = *context;
  for (auto& child : wanted.children) {
    child.outbound_number = child.outbound_number / 2 + 65536;
    numbers.insert_or_assign(child.outbound, child.outbound_number);
  }
  for (auto& child : wanted.children) child.outbound_number = numbers.at(child.outbound);
  const auto changed =
      ctx::with_numbers(bytes, numbers, [](const InboundKey&, std::uint64_t top) { return top + 1; });
  if (!changed) return;
  const auto again = ctx::decode_context(text_of(changed->reveal()));
  if (!again || *again != wanted) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({reinterpret_cast<const char*>(data), size});
  const auto file = hasyncd::open_file(nullptr, {data, size});
  if (file) decode(text_of(file->content.reveal()));
  return 0;
}
