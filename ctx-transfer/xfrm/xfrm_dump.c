/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "xfrm_socket.h"
#include "xfrm_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#define DUMP_SIZE (32 * 1024) /* as much as the kernel gives at a time */

static size_t address_length(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

int hasync_xfrm_dump_begin(int fd, const uint8_t destination[16], uint16_t family, uint32_t *sequence)
{
	/* for dumps the kernel reads the attributes right behind the header */
	struct
	{
		struct nlmsghdr header;
		struct nlattr protocol;
		uint8_t number;
		uint8_t padding[3];
		struct nlattr addresses;
		struct xfrm_address_filter filter;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
				   .nlmsg_type = XFRM_MSG_GETSA,
				   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.protocol = {.nla_len = NLA_HDRLEN + 1, .nla_type = XFRMA_PROTO},
		.number = IPPROTO_ESP,
		.addresses = {.nla_len = NLA_HDRLEN + sizeof(request.filter), .nla_type = XFRMA_ADDRESS_FILTER},
		.filter = {.family = family, .dplen = (uint8_t)(8 * address_length(family))},
	};

	memcpy(&request.filter.daddr, destination, address_length(family));
	*sequence = request.header.nlmsg_seq = hasync_xfrm_sequence(1);
	return hasync_xfrm_send(fd, (const uint8_t *)&request, sizeof(request));
}

int hasync_xfrm_decode_sa(const uint8_t *message, size_t size, hasync_xfrm_sa_t *sa, hasync_xfrm_ae_t *ae)
{
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct xfrm_usersa_info));
	struct xfrm_usersa_info info;
	struct nlmsghdr header;

	memset(sa, 0, sizeof(*sa));
	memset(ae, 0, sizeof(*ae));
	if (size < at)
	{
		return -EBADMSG;
	}
	memcpy(&header, message, sizeof(header));
	if (header.nlmsg_type != XFRM_MSG_NEWSA || header.nlmsg_len > size || header.nlmsg_len < at)
	{
		return -EBADMSG;
	}
	memcpy(&info, message + NLMSG_HDRLEN, sizeof(info));
	memcpy(sa->destination, &info.id.daddr, address_length(info.family));
	sa->family = info.family;
	sa->protocol = info.id.proto;
	sa->spi = ntohl(info.id.spi);
	return hasync_xfrm_attributes(message, at, header.nlmsg_len, sa, ae);
}

/* 1: go on; 0: that was the last one; or an error */
static int take(const uint8_t *message, const struct nlmsghdr *header, hasync_xfrm_seen_t seen, void *context)
{
	hasync_xfrm_sa_t sa;
	hasync_xfrm_ae_t ae;
	int error;

	switch (header->nlmsg_type)
	{
		case NLMSG_DONE:
			return 0;
		case NLMSG_ERROR:
			error = hasync_xfrm_error_of(message, header);
			return error ? error : -EBADMSG;
		default:
			error = hasync_xfrm_decode_sa(message, header->nlmsg_len, &sa, &ae);
			if (!error)
			{
				seen(context, &sa, &ae);
			}
			return error ? error : 1;
	}
}

int hasync_xfrm_dump_next(int fd, uint32_t sequence, hasync_xfrm_seen_t seen, void *context)
{
	alignas(struct nlmsghdr) uint8_t buffer[DUMP_SIZE];
	ssize_t length = hasync_xfrm_receive(fd, buffer, sizeof(buffer));
	struct nlmsghdr header;
	int result = 1;

	if (length < 0)
	{
		return (int)length;
	}
	for (size_t at = 0; result == 1 && at + sizeof(header) <= (size_t)length;
		 at += NLMSG_ALIGN(header.nlmsg_len))
	{
		memcpy(&header, buffer + at, sizeof(header));
		if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > (size_t)length - at)
		{
			result = -EBADMSG;
			break;
		}
		/* of an earlier dump that was given up */
		if (header.nlmsg_seq == sequence)
		{
			result = take(buffer + at, &header, seen, context);
		}
	}
	explicit_bzero(buffer, (size_t)length);
	return result;
}
