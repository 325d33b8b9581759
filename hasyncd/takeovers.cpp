#include "hasyncd/takeovers.h"

#include <utility>

namespace hasync::hasyncd {
namespace {

bool has_no_part(Role role) {
  return role == Role::Out || role == Role::Standby;
}

}  // namespace

std::uint64_t Takeovers::Counts::*Takeovers::cause_of(const Seen& now) const {
  if (now.moved) return &Counts::handed_over;
  if (now.anew) return asked_ ? &Counts::by_operator : &Counts::from_silence;
  if (owner_ == kNobody) return &Counts::first;
  return owner_ == self_ ? &Counts::resumed : &Counts::lost;
}

void Takeovers::seen(const Seen& now) {
  const Role before = std::exchange(role_, now.role);
  if (has_no_part(before) && !has_no_part(now.role)) cause_ = cause_of(now);
  // Not from a lapse: it has been the owner all the time. One event may bring all of it.
  if (now.role == Role::Owner && (before == Role::Taking || has_no_part(before))) {
    ++(counts_.*cause_);
    asked_ = false;
  }
  if (now.owner != kNobody) owner_ = now.owner;
}

}  // namespace hasync::hasyncd
