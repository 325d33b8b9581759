// Frames of proto/plugin.proto, from the client's side: encodes requests, decodes what the plugin sends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ctx-transfer/plugin_messages.h"

namespace hasync::ctx {

inline constexpr std::size_t kFrameHeader = 4;
inline constexpr std::size_t kFrameMax = 1024 * 1024;

// A whole frame. Invalid: longer than a frame may be, or a context that cannot be read.
Result<std::string> encode_request(std::uint64_t id, const Request& request);

// Length of a frame's content, from its first four bytes.
Result<std::size_t> decode_frame_header(std::string_view header);

// A frame's content.
Result<FromPlugin> decode_from_plugin(std::string_view content);

}  // namespace hasync::ctx
