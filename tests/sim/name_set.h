// Packets by name: a key above, the number below. Numbers of one key lie close together, so 64 names share a
// word: as many seeds as possible are to be played.
#pragma once

#include <cstdint>
#include <unordered_map>

namespace hasync::sim {

class NameSet {
 public:
  // False: it is in it already.
  bool insert(std::uint64_t name) {
    std::uint64_t& word = words_[name / 64];
    if ((word & bit(name)) != 0) return false;
    word |= bit(name);
    ++size_;
    return true;
  }
  bool contains(std::uint64_t name) const {
    const auto word = words_.find(name / 64);
    return word != words_.end() && (word->second & bit(name)) != 0;
  }
  std::uint64_t size() const { return size_; }

 private:
  static std::uint64_t bit(std::uint64_t name) { return std::uint64_t{1} << name % 64; }

  std::unordered_map<std::uint64_t, std::uint64_t> words_;
  std::uint64_t size_ = 0;
};

}  // namespace hasync::sim
