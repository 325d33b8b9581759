// The book of incarnations on disk (incarnation_book.h).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace hasync::vped {

// One incarnation for each of these keys, written down for good before it is returned. Nothing is taken if
// one of them cannot be.
Result<std::vector<std::uint8_t>> take_incarnations(const std::filesystem::path& folder,
                                                    const std::vector<std::string>& keys);

}  // namespace hasync::vped
