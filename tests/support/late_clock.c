/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loaded in front of libc by a hasyncd: to it the wall clock is five seconds behind, as on a machine that
 * nobody has set. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec* time) {
  static int (*next)(clockid_t, struct timespec*);

  if (!next) {
    next = dlsym(RTLD_NEXT, "clock_gettime");
  }
  const int result = next(clock, time);

  if (result == 0 && clock == CLOCK_REALTIME) {
    time->tv_sec -= 5;
  }
  return result;
}
