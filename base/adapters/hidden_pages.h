// Memory for keys: whole pages of their own that are left out of core dumps, wiped when they are given back.
#pragma once

#include <cstdint>
#include <span>

namespace hasync {

// Zeroed. Ends the process where the system has no memory left, as operator new would. 0 bytes: nothing.
std::span<std::uint8_t> take_hidden_pages(std::size_t bytes);
void give_back_hidden_pages(std::span<std::uint8_t> pages);

// Wipes 64 KiB of stack below the caller's frame: what ended calls have left there, and the vector registers
// (memcpy's, with keys in them) that the dynamic linker saves there when a function is called first.
void wipe_dead_stack();

}  // namespace hasync
