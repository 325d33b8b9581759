// An mmap-able eBPF array in this process' memory. The kernel's programs read and write it at the same time,
// so every access is one atomic load or store of a whole word.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/result.h"

namespace hasync::clusterip {

template <typename Element>
class MappedArray {
 public:
  static Result<MappedArray> map(int map_fd, std::size_t count) {
    void* memory = mmap(nullptr, count * sizeof(Element), PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (memory == MAP_FAILED)
      return Error{Errc::System, std::string("mmap of an eBPF array: ") + std::strerror(errno)};
    return MappedArray(static_cast<Element*>(memory), count);
  }

  MappedArray(MappedArray&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), count_(other.count_) {}
  MappedArray& operator=(MappedArray&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(count_, other.count_);
    return *this;
  }
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray() {
    if (memory_ != nullptr) munmap(memory_, count_ * sizeof(Element));
  }

  Element& operator[](std::size_t index) const { return memory_[index]; }
  std::size_t size() const { return count_; }

 private:
  MappedArray(Element* memory, std::size_t count) : memory_(memory), count_(count) {}
  Element* memory_;
  std::size_t count_;
};

template <typename Word>
void store_word(Word& word, Word value) {
  std::atomic_ref(word).store(value, std::memory_order_release);
}

template <typename Word>
Word load_word(Word& word) {
  return std::atomic_ref(word).load(std::memory_order_acquire);
}

}  // namespace hasync::clusterip
