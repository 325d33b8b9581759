#include "base/adapters/hidden_pages.h"

#include <openssl/crypto.h>
#include <sys/mman.h>

#include <array>
#include <new>

namespace hasync {

std::span<std::uint8_t> take_hidden_pages(std::size_t bytes) {
  if (bytes == 0) return {};
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || ::madvise(pages, bytes, MADV_DONTDUMP) != 0) throw std::bad_alloc();
  return {static_cast<std::uint8_t*>(pages), bytes};
}

void give_back_hidden_pages(std::span<std::uint8_t> pages) {
  if (pages.empty()) return;
  OPENSSL_cleanse(pages.data(), pages.size());
  ::munmap(pages.data(), pages.size());
}

[[gnu::noinline]] void wipe_dead_stack() {
  std::array<std::uint8_t, 65536> dead;  // NOLINT(cppcoreguidelines-pro-type-member-init): it is wiped
  OPENSSL_cleanse(dead.data(), dead.size());
}

}  // namespace hasync
