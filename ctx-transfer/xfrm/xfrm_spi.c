/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <stdalign.h>
#include <string.h>

#include "xfrm_ae.h"
#include "xfrm_socket.h"

#define BUFFER_SIZE 4096

size_t hasync_xfrm_encode_reserve(uint8_t *buffer, size_t size, const hasync_xfrm_sa_t *sa,
								  const uint8_t *source, uint32_t sequence)
{
	size_t address = sa->family == AF_INET ? 4 : 16;
	struct xfrm_userspi_info request = {.min = sa->spi, .max = sa->spi};
	struct nlmsghdr header = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(request)),
		.nlmsg_type = XFRM_MSG_ALLOCSPI,
		.nlmsg_flags = NLM_F_REQUEST,
		.nlmsg_seq = sequence,
	};

	if (size < header.nlmsg_len)
	{
		return 0;
	}
	memcpy(&request.info.saddr, source, address);
	memcpy(&request.info.id.daddr, sa->destination, address);
	request.info.id.proto = sa->protocol;
	request.info.family = sa->family;
	request.info.mode = XFRM_MODE_TUNNEL;
	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + NLMSG_HDRLEN, &request, sizeof(request));
	return header.nlmsg_len;
}

int hasync_xfrm_reserve(int fd, const hasync_xfrm_sa_t *sa, const uint8_t *source)
{
	alignas(struct nlmsghdr) uint8_t buffer[BUFFER_SIZE];
	uint32_t sequence = hasync_xfrm_sequence(1);
	size_t used = hasync_xfrm_encode_reserve(buffer, sizeof(buffer), sa, source, sequence);
	struct xfrm_usersa_info reserved;
	ssize_t length = hasync_xfrm_ask(fd, buffer, sizeof(buffer), used, sequence);

	if (length < 0)
	{
		return (int)length;
	}
	if ((size_t)length < NLMSG_LENGTH(sizeof(reserved)))
	{
		return -EBADMSG;
	}
	memcpy(&reserved, buffer + NLMSG_HDRLEN, sizeof(reserved));
	return reserved.id.spi == htonl(sa->spi) ? 0 : -ENOENT;
}
