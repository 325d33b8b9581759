/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loaded in front of libc by a charon: before it deletes a kernel SA, packets get time to use numbers that it
 * has read already. On a busy gateway they find that time by themselves. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const struct sockaddr* to,
               socklen_t length) {
  static ssize_t (*next)(int, const void*, size_t, int, const struct sockaddr*, socklen_t);
  const struct nlmsghdr* message = bytes;

  if (!next) {
    next = dlsym(RTLD_NEXT, "sendto");
  }
  if (to && to->sa_family == AF_NETLINK && size >= sizeof(*message) &&
      message->nlmsg_type == XFRM_MSG_DELSA) {
    usleep(50 * 1000);
  }
  return next(fd, bytes, size, flags, to, length);
}
