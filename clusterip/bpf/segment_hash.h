/* The segment of a peer's outer address: one definition for the eBPF programs (C) and for the daemon (C++).
 * jhash is Bob Jenkins' lookup3 (public domain) over whole 32-bit words, as the kernel's jhash.h computes it
 * on a little-endian machine. Every member must compute the same, so the seed is a constant of the protocol.
 * The input is the address in network order, 4 bytes (IPv4) or 16 (IPv6), read as little-endian words. */
#ifndef HASYNC_CLUSTERIP_SEGMENT_HASH_H
#define HASYNC_CLUSTERIP_SEGMENT_HASH_H

#include <linux/types.h>

enum { HASYNC_SEGMENTS = 64 };
#define HASYNC_SEGMENT_SEED 0x5e97a11bU
#define HASYNC_JHASH_INIT 0xdeadbeefU

static inline __attribute__((always_inline)) __u32 hasync_rotate(__u32 word, unsigned int bits) {
  return (word << bits) | (word >> (32 - bits));
}

static inline __attribute__((always_inline)) __u32 hasync_jhash_final(__u32 a, __u32 b, __u32 c) {
  c ^= b, c -= hasync_rotate(b, 14);
  a ^= c, a -= hasync_rotate(c, 11);
  b ^= a, b -= hasync_rotate(a, 25);
  c ^= b, c -= hasync_rotate(b, 16);
  a ^= c, a -= hasync_rotate(c, 4);
  b ^= a, b -= hasync_rotate(a, 14);
  c ^= b, c -= hasync_rotate(b, 24);
  return c;
}

/* jhash of 4 bytes */
static inline __attribute__((always_inline)) __u32 hasync_jhash_1(__u32 word, __u32 seed) {
  const __u32 init = HASYNC_JHASH_INIT + 4 + seed;
  return hasync_jhash_final(init + word, init, init);
}

/* jhash of 16 bytes */
static inline __attribute__((always_inline)) __u32 hasync_jhash_4(const __u32* word, __u32 seed) {
  const __u32 init = HASYNC_JHASH_INIT + 16 + seed;
  __u32 a = init + word[0];
  __u32 b = init + word[1];
  __u32 c = init + word[2];
  a -= c, a ^= hasync_rotate(c, 4), c += b;
  b -= a, b ^= hasync_rotate(a, 6), a += c;
  c -= b, c ^= hasync_rotate(b, 8), b += a;
  a -= c, a ^= hasync_rotate(c, 16), c += b;
  b -= a, b ^= hasync_rotate(a, 19), a += c;
  c -= b, c ^= hasync_rotate(b, 4), b += a;
  return hasync_jhash_final(a + word[3], b, c);
}

static inline __attribute__((always_inline)) __u32 hasync_segment_of_hash(__u32 hash) {
  return (__u32)(((__u64)hash * HASYNC_SEGMENTS) >> 32);
}

#endif
