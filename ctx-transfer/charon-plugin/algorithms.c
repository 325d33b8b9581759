/*
 * Key lengths of the IKEv2 transforms that a context can name. Numbers are IANA's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "context_check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct
{
	uint32_t id;
	uint16_t fixed_bits; /* 0: the key size is negotiated, as for AES */
	uint8_t salt;        /* bytes */
	bool aead;
} encryption_t;

static const encryption_t encryptions[] = {
	{3, 192, 0, false}, /* 3DES */
	{11, 0, 0, false},  /* NULL: has no key, see below */
	{12, 0, 0, false},  /* AES-CBC */
	{13, 0, 4, false},  /* AES-CTR, RFC 5930, section 2 */
	{14, 0, 3, true},   /* AES-CCM with 8, 12, 16 bytes of ICV, RFC 4309, section 7.1 */
	{15, 0, 3, true},   /**/
	{16, 0, 3, true},   /**/
	{18, 0, 4, true},   /* AES-GCM with 8, 12, 16 bytes of ICV, RFC 4106, section 8.1 */
	{19, 0, 4, true},   /**/
	{20, 0, 4, true},   /**/
	{21, 0, 4, true},   /* AES-GMAC without encryption, RFC 4543, section 5 */
	{23, 0, 0, false},  /* Camellia-CBC */
	{24, 0, 4, false},  /* Camellia-CTR, RFC 5529, section 4 */
	{25, 0, 3, true},   /* Camellia-CCM with 8, 12, 16 bytes of ICV */
	{26, 0, 3, true},   /**/
	{27, 0, 3, true},   /**/
	{28, 256, 4, true}, /* ChaCha20-Poly1305, RFC 7634, section 2 */
};

typedef struct
{
	uint32_t id;
	uint8_t bytes;
} key_length_t;

static const key_length_t integrities[] = {
	{1, 16},  /* HMAC-MD5-96 */
	{2, 20},  /* HMAC-SHA1-96 */
	{5, 16},  /* AES-XCBC-96 */
	{6, 16},  /* HMAC-MD5-128 */
	{7, 20},  /* HMAC-SHA1-160 */
	{8, 16},  /* AES-CMAC-96 */
	{12, 32}, /* HMAC-SHA2-256-128 */
	{13, 48}, /* HMAC-SHA2-384-192 */
	{14, 64}, /* HMAC-SHA2-512-256 */
};

static const key_length_t prfs[] = {
	{1, 16}, /* HMAC-MD5 */
	{2, 20}, /* HMAC-SHA1 */
	{4, 16}, /* AES128-XCBC */
	{5, 32}, /* HMAC-SHA2-256 */
	{6, 48}, /* HMAC-SHA2-384 */
	{7, 64}, /* HMAC-SHA2-512 */
	{8, 16}, /* AES128-CMAC */
};

static const encryption_t *find_encryption(uint32_t id)
{
	for (size_t i = 0; i < COUNT(encryptions); i++)
	{
		if (encryptions[i].id == id)
		{
			return &encryptions[i];
		}
	}
	return NULL;
}

static int find_length(const key_length_t *table, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
	{
		if (table[i].id == id)
		{
			return table[i].bytes;
		}
	}
	return -1;
}

int hasync_encryption_key_length(uint32_t id, uint32_t key_bits)
{
	const encryption_t *encryption = find_encryption(id);

	if (!encryption)
	{
		return -1;
	}
	if (id == 11)
	{
		return key_bits == 0 ? 0 : -1;
	}
	if (encryption->fixed_bits)
	{
		if (key_bits && key_bits != encryption->fixed_bits)
		{
			return -1;
		}
		return encryption->fixed_bits / 8 + encryption->salt;
	}
	if (key_bits != 128 && key_bits != 192 && key_bits != 256)
	{
		return -1;
	}
	return (int)key_bits / 8 + encryption->salt;
}

bool hasync_encryption_is_aead(uint32_t id)
{
	const encryption_t *encryption = find_encryption(id);

	return encryption && encryption->aead;
}

int hasync_integrity_key_length(uint32_t id)
{
	return find_length(integrities, COUNT(integrities), id);
}

int hasync_prf_key_length(uint32_t id)
{
	return find_length(prfs, COUNT(prfs), id);
}
