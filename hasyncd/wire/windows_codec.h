// Part of an owner's reading of its replay windows, in a heartbeat: what ring_codec.cpp leaves to it.
#pragma once

#include <optional>

#include "base/result.h"
#include "hasyncd/wire/messages.h"

namespace hasync::proto::ring {
class Windows;
}  // namespace hasync::proto::ring

namespace hasync::hasyncd {

void put(const Windows& from, proto::ring::Windows* to);

// The first broken rule, or nothing.
std::optional<Error> take(const proto::ring::Windows& from, Windows* to);

}  // namespace hasync::hasyncd
