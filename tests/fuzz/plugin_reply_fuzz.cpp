// What charon's plugin sends to hasyncd: frames are cut and decoded, or refused. A context comes out as it
// was told, whatever it is: judging it is the context codec's.
#include <cstdint>
#include <cstdlib>

#include "ctx-transfer/context_codec.h"
#include "ctx-transfer/plugin_codec.h"

namespace {

using namespace hasync;

void judge(const ctx::PluginReply& reply) {
  if (reply.result) (void)ctx::decode_context(text_of(reply.result->context.reveal()));
}

void judge(const ctx::PluginEvent& event) {
  const auto* changed = std::get_if<ctx::ChangedContext>(&event.content);
  if (changed == nullptr) return;
  if (changed->number != event.number) std::abort();
  const auto view = ctx::decode_context(text_of(changed->context.reveal()));
  if (view && view->sa != changed->sa) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  BytesView rest(data, size);
  while (rest.size() >= ctx::kPluginLength) {
    const auto length = ctx::plugin_frame_size(rest.first<ctx::kPluginLength>());
    rest = rest.subspan(ctx::kPluginLength);
    if (!length || *length > rest.size()) break;
    const auto message = ctx::decode_from_plugin(rest.first(*length));
    if (message) std::visit([](const auto& one) { judge(one); }, *message);
    rest = rest.subspan(*length);
  }
  return 0;
}
