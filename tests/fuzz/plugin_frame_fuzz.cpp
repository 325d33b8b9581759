// Bytes from the charon plugin's socket: cut into frames, however they arrive, and each decoded and checked.
// A refusal says why; what is accepted can be read to its last byte.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "frame.h"
#include "request.h"
#include "window.h"

namespace {

// The numbers of a CHILD_SA go into a window of either shape.
void convert_window(const Hasync__Proto__ChildSa& child) {
  std::array<std::uint32_t, 128> words{}, converted{};
  const std::size_t count = child.replay_bitmap.len / sizeof(std::uint32_t);
  if (count > words.size()) std::abort();
  if (count > 0) std::memcpy(words.data(), child.replay_bitmap.data, count * sizeof(std::uint32_t));
  const bool ring = child.esn || child.replay_window > 32;
  const hasync_window_t from{ring, child.inbound_top, child.replay_window, words.data(), count};
  hasync_window_t legacy{false, 0, 32, converted.data(), 1};
  hasync_window_convert(&from, &legacy);
  hasync_window_t large{true, 0, 4096, converted.data(), converted.size()};
  hasync_window_convert(&from, &large);
}

void decode(const std::uint8_t* content, std::size_t size) {
  hasync_arena_t arena;
  hasync_arena_init(&arena);
  std::uint64_t id = 0;
  hasync_error_t error{};
  const auto* request = hasync_request_decode(content, size, &arena, &id, &error);
  if (request == nullptr) {
    if (error.code == HASYNC__PROTO__ERROR_CODE__OK || error.text[0] == '\0') std::abort();
  } else {
    std::vector<std::uint8_t> again(hasync__proto__request__get_packed_size(request));
    hasync__proto__request__pack(request, again.data());
    if (request->request_case == HASYNC__PROTO__REQUEST__REQUEST_PUT) {
      const auto* context = request->put->context;
      for (std::size_t i = 0; i < context->n_children; ++i) convert_window(*context->children[i]);
    }
  }
  hasync_arena_clear(&arena);
}

void read_stream(const std::uint8_t* data, std::size_t size) {
  hasync_frame_reader_t reader;
  hasync_frame_reader_init(&reader);
  hasync_frame_result_t result = HASYNC_FRAME_MORE;
  for (std::size_t at = 0; at < size && result != HASYNC_FRAME_TOO_LARGE;) {
    std::size_t room = 0;
    std::uint8_t* where = hasync_frame_reader_room(&reader, &room);
    const std::size_t count = std::min({room, size - at, std::size_t{1} + data[at]});
    std::memcpy(where, data + at, count);
    hasync_frame_reader_filled(&reader, count);
    at += count;
    const std::uint8_t* content = nullptr;
    std::size_t length = 0;
    while ((result = hasync_frame_reader_next(&reader, &content, &length)) == HASYNC_FRAME_COMPLETE) {
      decode(content, length);
    }
  }
  hasync_frame_reader_clear(&reader);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_stream(data, size);
  if (size > HASYNC_FRAME_HEADER) decode(data + HASYNC_FRAME_HEADER, size - HASYNC_FRAME_HEADER);
  return 0;
}
