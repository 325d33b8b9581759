// The simulator's memory: one thread and no secrets, so what is freed is not wiped, as it is elsewhere
// (base/adapters/hidden_process.h), but kept for the next block of its size.
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

// Sanitizers look for what was freed.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr std::size_t kStep = 32;
constexpr std::size_t kSizes = 32;  // larger blocks are left to malloc
constexpr std::size_t kAtOnce = std::size_t{1} << 16U;

struct alignas(std::max_align_t) Block {
  union {
    Block* next;       // while it is free
    std::size_t size;  // in steps, with this head; 0: of malloc
  };
};

Block* unused[kSizes + 1];
char* fresh = nullptr;
std::size_t left = 0;

Block* checked(void* memory) {
  if (memory == nullptr) std::abort();
  return static_cast<Block*>(memory);
}

Block* take(std::size_t size) {
  if (unused[size] != nullptr) return std::exchange(unused[size], unused[size]->next);
  if (left < size * kStep) {
    fresh = reinterpret_cast<char*>(checked(std::malloc(kAtOnce)));
    left = kAtOnce;
  }
  left -= size * kStep;
  return reinterpret_cast<Block*>(std::exchange(fresh, fresh + size * kStep));
}

}  // namespace

void* operator new(std::size_t bytes) {
  const std::size_t size = (bytes + sizeof(Block) + kStep - 1) / kStep;
  Block* block = size <= kSizes ? take(size) : checked(std::malloc(bytes + sizeof(Block)));
  block->size = size <= kSizes ? size : 0;
  return block + 1;
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  Block* block = static_cast<Block*>(memory) - 1;
  const std::size_t size = block->size;
  if (size == 0) return std::free(block);
  block->next = std::exchange(unused[size], block);
}

void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  ::operator delete(memory);
}

void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return checked(std::aligned_alloc(step, (bytes + step - 1) / step * step));
}

void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

#endif
