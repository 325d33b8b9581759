#include "base/adapters/hidden_process.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

namespace hasync {

Status hide_process() {
  const rlimit none{};
  if (::prctl(PR_SET_DUMPABLE, 0) == 0 && ::setrlimit(RLIMIT_CORE, &none) == 0) return Done{};
  return Error{Errc::System, std::string("core dumps cannot be turned off: ") + std::strerror(errno)};
}

namespace {

void* checked(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void wipe_and_free(void* memory) noexcept {
  if (memory != nullptr) ::explicit_bzero(memory, ::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

}  // namespace hasync

// The forms that all others lead to: [new.delete] of the C++ standard.
void* operator new(std::size_t size) {
  return hasync::checked(std::malloc(size == 0 ? 1 : size));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return hasync::checked(std::aligned_alloc(step, (size + step - 1) / step * step));
}
void operator delete(void* memory) noexcept {
  hasync::wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  hasync::wipe_and_free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  hasync::wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  hasync::wipe_and_free(memory);
}
