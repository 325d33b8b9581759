// Reads and edits contexts (proto/context.proto), which hold keys: the bytes are to be sealed or wiped, never logged.
// Errors: Unsupported for a newer major version, Invalid for bytes that break a rule; the text names the field.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ctx-transfer/context_view.h"

namespace hasync::ctx {

inline constexpr std::uint32_t kContextMajor = 1;

Result<ContextView> decode_context(std::string_view context);

// The same context with other outbound numbers, by outbound SPI; those not named stay. Fields that a newer minor version
// has brought are kept.
Result<std::string> with_outbound_numbers(std::string_view context, const std::map<EspSpi, std::uint64_t>& numbers);

}  // namespace hasync::ctx
