/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "xfrm_sa.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdalign.h>
#include <string.h>

#include "xfrm_socket.h"

#define BUFFER_SIZE (16 * 1024)
#define SA_PCPU (XFRMA_MTIMER_THRESH + 3) /* XFRMA_SA_PCPU, Linux 6.13: later than these headers */

static size_t encode_get(uint8_t *buffer, const hasync_xfrm_sa_t *sa, uint32_t sequence)
{
	struct xfrm_usersa_id id = {.spi = htonl(sa->spi), .family = sa->family, .proto = sa->protocol};
	struct nlattr attribute = {.nla_len = NLA_HDRLEN + sizeof(struct xfrm_mark), .nla_type = XFRMA_MARK};
	struct xfrm_mark mark = {.v = sa->mark, .m = sa->mask};
	struct nlmsghdr header = {
		.nlmsg_len = NLMSG_SPACE(sizeof(id)) + attribute.nla_len,
		.nlmsg_type = XFRM_MSG_GETSA,
		.nlmsg_flags = NLM_F_REQUEST,
		.nlmsg_seq = sequence,
	};

	memcpy(&id.daddr, sa->destination, sa->family == AF_INET ? 4 : 16);
	memset(buffer, 0, header.nlmsg_len);
	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + NLMSG_HDRLEN, &id, sizeof(id));
	memcpy(buffer + NLMSG_SPACE(sizeof(id)), &attribute, sizeof(attribute));
	memcpy(buffer + NLMSG_SPACE(sizeof(id)) + NLA_HDRLEN, &mark, sizeof(mark));
	return header.nlmsg_len;
}

static int read_attribute(uint16_t type, const uint8_t *value, size_t size, hasync_xfrm_traits_t *traits)
{
	struct xfrm_user_offload offload;
	uint32_t flags;

	switch (type)
	{
		case XFRMA_SA_EXTRA_FLAGS:
			if (size < sizeof(flags))
			{
				return -EBADMSG;
			}
			memcpy(&flags, value, sizeof(flags));
			traits->may_wrap = flags & XFRM_SA_XFLAG_OSEQ_MAY_WRAP;
			return 0;
		case XFRMA_OFFLOAD_DEV:
			if (size < sizeof(offload))
			{
				return -EBADMSG;
			}
			memcpy(&offload, value, sizeof(offload));
			traits->packet_offload = offload.flags & XFRM_OFFLOAD_PACKET;
			return 0;
		case SA_PCPU:
			traits->per_cpu = true;
			return 0;
		default:
			return 0;
	}
}

int hasync_xfrm_decode_traits(const uint8_t *message, size_t size, hasync_xfrm_traits_t *traits)
{
	struct nlmsghdr header;
	struct nlattr attribute;
	size_t at = NLMSG_SPACE(sizeof(struct xfrm_usersa_info));
	int error = 0;

	*traits = (hasync_xfrm_traits_t){0};
	if (size < sizeof(header))
	{
		return -EBADMSG;
	}
	memcpy(&header, message, sizeof(header));
	if (header.nlmsg_type != XFRM_MSG_NEWSA || header.nlmsg_len > size || header.nlmsg_len < at)
	{
		return -EBADMSG;
	}
	while (!error && at < header.nlmsg_len)
	{
		size_t room = header.nlmsg_len - at;

		if (room < sizeof(attribute))
		{
			return -EBADMSG;
		}
		memcpy(&attribute, message + at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > room)
		{
			return -EBADMSG;
		}
		error = read_attribute(attribute.nla_type & NLA_TYPE_MASK, message + at + NLA_HDRLEN,
							   attribute.nla_len - (size_t)NLA_HDRLEN, traits);
		at += NLA_ALIGN(attribute.nla_len);
	}
	return error;
}

int hasync_xfrm_get_traits(int fd, const hasync_xfrm_sa_t *sa, hasync_xfrm_traits_t *traits)
{
	alignas(struct nlmsghdr) uint8_t buffer[BUFFER_SIZE];
	uint32_t sequence = hasync_xfrm_sequence(1);
	size_t used = encode_get(buffer, sa, sequence);
	ssize_t length = hasync_xfrm_ask(fd, buffer, sizeof(buffer), used, sequence);
	int error = length < 0 ? (int)length : hasync_xfrm_decode_traits(buffer, (size_t)length, traits);

	explicit_bzero(buffer, length < 0 ? sizeof(buffer) : (size_t)length);
	return error;
}
