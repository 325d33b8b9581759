// Result<T>: a value or the Error that stands in its place. Shaped like std::expected (C++23), so that it
// can be replaced by it one day. Anything a peer, the kernel, an operator or a library can cause is returned.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace hasync {

enum class Errc {
  Invalid,      // bytes or a value that break a rule; `what` names the field
  Unsupported,  // well formed, but newer or of a kind that is not known here
  NotFound,
  Denied,    // authentication failed, or permissions are wrong
  Conflict,  // it would contradict what exists
  Busy,      // try again
  System,    // errno or a library's error; `what` holds its text
};

struct Error {
  Errc code = Errc::System;
  std::string what;
  bool operator==(const Error&) const = default;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {
  bool operator==(const Done&) const = default;
};
using Status = Result<Done>;

inline Error invalid(std::string what) {
  return {Errc::Invalid, std::move(what)};
}

}  // namespace hasync
