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

#define BUFFER_SIZE (16 * 1024)
#define MESSAGE_MAX 1024 /* the longest NEWAE: a bitmap of 4096 bits and the rest */
#define BATCH_MAX 128    /* acknowledgements of so many failures fit into the socket's buffer */

typedef struct
{
	uint8_t *bytes;
	size_t size;
	size_t used;
	bool overflow;
} writer_t;

/* Reserves zeroed, aligned room. */
static void *reserve(writer_t *writer, size_t size)
{
	size_t aligned = NLMSG_ALIGN(size);
	void *room;

	if (writer->overflow || writer->size - writer->used < aligned)
	{
		writer->overflow = true;
		return NULL;
	}
	room = writer->bytes + writer->used;
	memset(room, 0, aligned);
	writer->used += aligned;
	return room;
}

static void *reserve_attribute(writer_t *writer, uint16_t type, size_t size)
{
	struct nlattr *attribute = reserve(writer, NLA_HDRLEN + size);

	if (!attribute)
	{
		return NULL;
	}
	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
	return (uint8_t *)attribute + NLA_HDRLEN;
}

static struct nlmsghdr *begin(writer_t *writer, uint16_t type, uint16_t flags, uint32_t sequence,
							  const hasync_xfrm_sa_t *sa)
{
	struct nlmsghdr *header = reserve(writer, NLMSG_HDRLEN);
	struct xfrm_aevent_id *id = reserve(writer, sizeof(*id));
	struct xfrm_mark *mark;

	if (!header || !id)
	{
		return NULL;
	}
	header->nlmsg_type = type;
	header->nlmsg_flags = flags;
	header->nlmsg_seq = sequence;
	memcpy(&id->sa_id.daddr, sa->destination, sa->family == AF_INET ? 4 : 16);
	id->sa_id.spi = htonl(sa->spi);
	id->sa_id.family = sa->family;
	id->sa_id.proto = sa->protocol;
	id->flags = type == XFRM_MSG_GETAE ? XFRM_AE_RVAL : 0;
	if (sa->mark || sa->mask)
	{
		mark = reserve_attribute(writer, XFRMA_MARK, sizeof(*mark));
		if (mark)
		{
			mark->v = sa->mark;
			mark->m = sa->mask;
		}
	}
	return header;
}

static void put_replay(writer_t *writer, const hasync_xfrm_ae_t *ae)
{
	struct xfrm_replay_state_esn *esn;
	struct xfrm_replay_state *legacy;
	uint32_t words = ae->words < HASYNC_XFRM_BITMAP_WORDS ? ae->words : HASYNC_XFRM_BITMAP_WORDS;

	if (ae->esn_format)
	{
		esn = reserve_attribute(writer, XFRMA_REPLAY_ESN_VAL, sizeof(*esn) + words * sizeof(uint32_t));
		if (esn)
		{
			esn->bmp_len = words;
			esn->replay_window = ae->window;
			esn->oseq = (uint32_t)ae->outbound;
			esn->oseq_hi = (uint32_t)(ae->outbound >> 32);
			esn->seq = (uint32_t)ae->inbound;
			esn->seq_hi = (uint32_t)(ae->inbound >> 32);
			memcpy(esn->bmp, ae->bitmap, words * sizeof(uint32_t));
		}
		return;
	}
	legacy = reserve_attribute(writer, XFRMA_REPLAY_VAL, sizeof(*legacy));
	if (legacy)
	{
		legacy->oseq = (uint32_t)ae->outbound;
		legacy->seq = (uint32_t)ae->inbound;
		legacy->bitmap = words ? ae->bitmap[0] : 0;
	}
}

static void put_lifetime(writer_t *writer, const hasync_xfrm_ae_t *ae)
{
	struct xfrm_lifetime_cur lifetime = {
		.bytes = ae->bytes,
		.packets = ae->packets,
		.add_time = ae->add_time,
		.use_time = ae->use_time,
	};
	/* netlink aligns attributes to four bytes only */
	void *room = reserve_attribute(writer, XFRMA_LTIME_VAL, sizeof(lifetime));

	if (room)
	{
		memcpy(room, &lifetime, sizeof(lifetime));
	}
}

size_t hasync_xfrm_encode_set(uint8_t *buffer, size_t size, const hasync_xfrm_sa_t *sa,
							  const hasync_xfrm_ae_t *ae, uint32_t sequence, bool acknowledge)
{
	writer_t writer = {.bytes = buffer, .size = size};
	struct nlmsghdr *header;
	uint16_t flags = NLM_F_REQUEST | NLM_F_REPLACE | (acknowledge ? NLM_F_ACK : 0);

	header = begin(&writer, XFRM_MSG_NEWAE, flags, sequence, sa);
	put_replay(&writer, ae);
	if (ae->has_lifetime)
	{
		put_lifetime(&writer, ae);
	}
	if (writer.overflow || !header)
	{
		return 0;
	}
	header->nlmsg_len = (uint32_t)writer.used;
	return writer.used;
}

static int read_esn(const void *value, size_t size, hasync_xfrm_ae_t *ae)
{
	struct xfrm_replay_state_esn esn;

	if (size < sizeof(esn))
	{
		return -EBADMSG;
	}
	memcpy(&esn, value, sizeof(esn));
	if (esn.bmp_len > HASYNC_XFRM_BITMAP_WORDS || size < sizeof(esn) + esn.bmp_len * sizeof(uint32_t))
	{
		return -EBADMSG;
	}
	ae->esn_format = true;
	ae->outbound = (uint64_t)esn.oseq_hi << 32 | esn.oseq;
	ae->inbound = (uint64_t)esn.seq_hi << 32 | esn.seq;
	ae->window = esn.replay_window;
	ae->words = esn.bmp_len;
	memcpy(ae->bitmap, (const uint8_t *)value + sizeof(esn), esn.bmp_len * sizeof(uint32_t));
	return 0;
}

static int read_attribute(uint16_t type, const void *value, size_t size, hasync_xfrm_sa_t *sa,
						  hasync_xfrm_ae_t *ae)
{
	struct xfrm_mark mark;
	struct xfrm_replay_state legacy;
	struct xfrm_lifetime_cur lifetime;

	switch (type)
	{
		case XFRMA_REPLAY_ESN_VAL:
			return read_esn(value, size, ae);
		case XFRMA_REPLAY_VAL:
			if (size < sizeof(legacy))
			{
				return -EBADMSG;
			}
			memcpy(&legacy, value, sizeof(legacy));
			ae->outbound = legacy.oseq;
			ae->inbound = legacy.seq;
			ae->words = 1;
			ae->bitmap[0] = legacy.bitmap;
			return 0;
		case XFRMA_LTIME_VAL:
			if (size < sizeof(lifetime))
			{
				return -EBADMSG;
			}
			memcpy(&lifetime, value, sizeof(lifetime));
			ae->has_lifetime = true;
			ae->bytes = lifetime.bytes;
			ae->packets = lifetime.packets;
			ae->add_time = lifetime.add_time;
			ae->use_time = lifetime.use_time;
			return 0;
		case XFRMA_MARK:
			if (size < sizeof(mark))
			{
				return -EBADMSG;
			}
			memcpy(&mark, value, sizeof(mark));
			if (sa)
			{
				sa->mark = mark.v;
				sa->mask = mark.m;
			}
			return 0;
		default:
			return 0;
	}
}

int hasync_xfrm_attributes(const uint8_t *message, size_t at, size_t end, hasync_xfrm_sa_t *sa,
						   hasync_xfrm_ae_t *ae)
{
	struct nlattr attribute;
	int error;

	while (at < end && end - at >= NLA_HDRLEN)
	{
		const uint8_t *value = message + at + NLA_HDRLEN;

		memcpy(&attribute, message + at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > end - at)
		{
			return -EBADMSG;
		}
		error = read_attribute(attribute.nla_type & NLA_TYPE_MASK, value,
							   attribute.nla_len - (size_t)NLA_HDRLEN, sa, ae);
		if (error)
		{
			return error;
		}
		at += NLA_ALIGN(attribute.nla_len);
	}
	return ae->words || ae->esn_format ? 0 : -EBADMSG;
}

int hasync_xfrm_decode(const uint8_t *message, size_t size, hasync_xfrm_ae_t *ae)
{
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct xfrm_aevent_id));
	struct nlmsghdr header;

	memset(ae, 0, sizeof(*ae));
	if (size < at)
	{
		return -EBADMSG;
	}
	memcpy(&header, message, sizeof(header));
	if (header.nlmsg_type != XFRM_MSG_NEWAE || header.nlmsg_len > size || header.nlmsg_len < at)
	{
		return -EBADMSG;
	}
	return hasync_xfrm_attributes(message, at, header.nlmsg_len, NULL, ae);
}

int hasync_xfrm_get(int fd, const hasync_xfrm_sa_t *sa, hasync_xfrm_ae_t *ae)
{
	alignas(struct nlmsghdr) uint8_t buffer[BUFFER_SIZE];
	writer_t writer = {.bytes = buffer, .size = sizeof(buffer)};
	uint32_t sequence = hasync_xfrm_sequence(1);
	struct nlmsghdr *header = begin(&writer, XFRM_MSG_GETAE, NLM_F_REQUEST, sequence, sa);
	ssize_t length;

	if (!header || writer.overflow)
	{
		return -EMSGSIZE;
	}
	header->nlmsg_len = (uint32_t)writer.used;
	length = hasync_xfrm_ask(fd, buffer, sizeof(buffer), writer.used, sequence);
	return length < 0 ? (int)length : hasync_xfrm_decode(buffer, (size_t)length, ae);
}

/* Reads answers until that to `last` is there. Only failures are answered, but for the last: `results` of the
 * others, from `first` on, are left alone. An error of its own: no answer came. */
static int collect(int fd, uint32_t first, uint32_t last, int *results)
{
	alignas(struct nlmsghdr) uint8_t buffer[BUFFER_SIZE];

	for (;;)
	{
		ssize_t length = hasync_xfrm_receive(fd, buffer, sizeof(buffer));
		struct nlmsghdr header;

		if (length < 0)
		{
			return (int)length;
		}
		for (size_t at = 0; at + sizeof(header) <= (size_t)length; at += NLMSG_ALIGN(header.nlmsg_len))
		{
			memcpy(&header, buffer + at, sizeof(header));
			if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > (size_t)length - at)
			{
				break;
			}
			if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_seq - first > last - first)
			{
				continue;
			}
			results[header.nlmsg_seq - first] = hasync_xfrm_error_of(buffer + at, &header);
			if (header.nlmsg_seq == last)
			{
				return 0;
			}
		}
	}
}

int hasync_xfrm_set(int fd, const hasync_xfrm_sa_t *sa, const hasync_xfrm_ae_t *ae)
{
	alignas(struct nlmsghdr) uint8_t buffer[MESSAGE_MAX];
	uint32_t sequence = hasync_xfrm_sequence(1);
	int result = 0;
	size_t length = hasync_xfrm_encode_set(buffer, sizeof(buffer), sa, ae, sequence, true);
	int error;

	if (!length)
	{
		return -EMSGSIZE;
	}
	error = hasync_xfrm_send(fd, buffer, length);
	if (!error)
	{
		error = collect(fd, sequence, sequence, &result);
	}
	return error ? error : result;
}

/* Encodes at most BATCH_MAX items; only the last asks for an acknowledgement. */
static void set_batch(int fd, const hasync_xfrm_number_t *items, size_t count, int *results)
{
	alignas(struct nlmsghdr) uint8_t buffer[BUFFER_SIZE];
	uint32_t first = hasync_xfrm_sequence((uint32_t)count);
	uint32_t last = first + (uint32_t)count - 1;
	size_t used = 0;
	int error;

	for (size_t i = 0; i < count; i++)
	{
		hasync_xfrm_ae_t ae = {};

		*(items[i].inbound ? &ae.inbound : &ae.outbound) = items[i].number;
		memset(ae.bitmap, items[i].inbound ? 0xff : 0, sizeof(ae.bitmap));
		ae.esn_format = items[i].esn_window != 0;
		ae.window = items[i].esn_window;
		ae.words = ae.esn_format ? (ae.window + 31) / 32 : 1;
		used += hasync_xfrm_encode_set(buffer + used, sizeof(buffer) - used, &items[i].sa, &ae,
									   first + (uint32_t)i, i + 1 == count);
	}
	memset(results, 0, count * sizeof(*results));
	error = hasync_xfrm_send(fd, buffer, used);
	if (!error)
	{
		error = collect(fd, first, last, results);
	}
	for (size_t i = 0; error && i < count; i++)
	{
		results[i] = results[i] ? results[i] : error;
	}
}

/* As many as fit into one buffer. */
static size_t batch_size(const hasync_xfrm_number_t *items, size_t count)
{
	size_t used = 0, n = 0;

	while (n < count && n < BATCH_MAX)
	{
		used += 160 + items[n].esn_window / 8;
		if (used > BUFFER_SIZE)
		{
			break;
		}
		n++;
	}
	return n;
}

size_t hasync_xfrm_set_numbers(int fd, const hasync_xfrm_number_t *items, size_t count, int *results)
{
	size_t done = 0, failed = 0;

	while (done < count)
	{
		size_t n = batch_size(items + done, count - done);

		if (n)
		{
			set_batch(fd, items + done, n, results + done);
		}
		else
		{
			results[done] = -EMSGSIZE;
			n = 1;
		}
		for (size_t end = done + n; done < end; done++)
		{
			failed += results[done] != 0;
		}
	}
	return failed;
}
