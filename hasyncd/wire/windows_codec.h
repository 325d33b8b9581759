// Part of an owner's reading of its replay windows, in a heartbeat: what ring_codec.cpp leaves to it.
#pragma once

#include "hasyncd/wire/field_error.h"
#include "hasyncd/wire/messages.h"

namespace hasync::proto::ring {
class Windows;
}  // namespace hasync::proto::ring

namespace hasync::hasyncd {

void put(const Windows& from, proto::ring::Windows* to);

Problem take(const proto::ring::Windows& from, Windows* to);

}  // namespace hasync::hasyncd
