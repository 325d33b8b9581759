/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "xfrm_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "xfrm_ae.h"

#define ANSWER_SECONDS 2

int hasync_xfrm_open(void)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	int size = 1 << 20;
	int fd, error;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);
	if (fd < 0)
	{
		return -errno;
	}
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
	{
		error = -errno;
		close(fd);
		return error;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

int hasync_xfrm_send(int fd, const uint8_t *bytes, size_t size)
{
	ssize_t sent;

	do
	{
		sent = send(fd, bytes, size, 0);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent == (ssize_t)size ? 0 : -EMSGSIZE;
}

ssize_t hasync_xfrm_receive(int fd, uint8_t *bytes, size_t size)
{
	ssize_t length;

	do
	{
		length = recv(fd, bytes, size, 0);
	} while (length < 0 && errno == EINTR);
	return length < 0 ? -errno : length;
}

uint32_t hasync_xfrm_sequence(uint32_t count)
{
	static uint32_t sequence;

	return __atomic_fetch_add(&sequence, count, __ATOMIC_RELAXED) + 1;
}

int hasync_xfrm_error_of(const uint8_t *message, const struct nlmsghdr *header)
{
	struct nlmsgerr error;

	if (header->nlmsg_len < NLMSG_HDRLEN + sizeof(error))
	{
		return -EBADMSG;
	}
	memcpy(&error, message + NLMSG_HDRLEN, sizeof(error));
	return error.error;
}

ssize_t hasync_xfrm_ask(int fd, uint8_t *buffer, size_t size, size_t used, uint32_t sequence)
{
	struct nlmsghdr answer;
	ssize_t length;
	int error = hasync_xfrm_send(fd, buffer, used);

	if (error)
	{
		return error;
	}
	do
	{
		length = hasync_xfrm_receive(fd, buffer, size);
		if (length < 0)
		{
			return length;
		}
		if ((size_t)length < sizeof(answer))
		{
			return -EBADMSG;
		}
		memcpy(&answer, buffer, sizeof(answer));
	} while (answer.nlmsg_seq != sequence);
	if (answer.nlmsg_type == NLMSG_ERROR)
	{
		error = hasync_xfrm_error_of(buffer, &answer);
		return error ? error : -EBADMSG;
	}
	return length;
}
