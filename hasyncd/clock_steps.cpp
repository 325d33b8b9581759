#include "hasyncd/clock_steps.h"

namespace hasync::hasyncd {

Duration ClockSteps::found(Duration wall, Instant boot) {
  const Duration apart = wall - boot;
  const Duration moved = apart - apart_.value_or(apart);
  apart_ = apart;
  if (moved < kStep && moved > -kStep) return {};
  ++count_;
  return moved;
}

}  // namespace hasync::hasyncd
