// One function object of several, for std::visit.
#pragma once

namespace hasync {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 needs to be told

}  // namespace hasync
