/* What the eBPF programs and the daemon share: keys, values and counters of the maps. Plain C, read by both.
 * Addresses and SPIs are in network byte order; sequence numbers, slots and times in the machine's. */
#ifndef HASYNC_CLUSTERIP_LAYOUT_H
#define HASYNC_CLUSTERIP_LAYOUT_H

#include <linux/types.h>

#include "clusterip/bpf/segment_hash.h"

/* `fence`: deadline per segment, CLOCK_MONOTONIC nanoseconds, 0 is closed. One more for the address itself
 * (ARP). */
enum { HASYNC_ADDRESS_SLOT = HASYNC_SEGMENTS, HASYNC_FENCE_SLOTS };

/* IPv4 stands as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2) */
struct hasync_address {
  __u32 words[4];
};

/* `gate`: an outbound SA. The value is one word, read at once: the SA's place in `slots` in the low half, in
 * the high half the generation that the slot must have, as it may serve another SA by now. */
struct hasync_sa_key {
  struct hasync_address daddr;
  __u32 spi;
};

/* `slots`: floor in the low half of `limits`, ceiling in the high half, so that one store changes both.
 * The daemon writes all but `top`; the egress program writes only `top`: one above the highest number that
 * left. */
struct hasync_sa_slot {
  __u64 limits;
  __u32 top;
  __u32 generation;
};

/* `left`, by slot: which numbers have left, as a ring of words, one per 32 numbers (a block). The high half
 * names the block (number / 32), the low half has a bit for each of its numbers. A word only ever goes on to
 * a later block, so what it has forgotten stays forbidden. The programs write it; the daemon where a floor
 * moves. */
enum { HASYNC_BLOCK = 32, HASYNC_LEFT_BLOCKS = 8 };

struct hasync_left {
  __u64 blocks[HASYNC_LEFT_BLOCKS];
};

/* `heads`: first fragments whose packet was let out, so that the rest may follow */
struct hasync_fragment_key {
  struct hasync_address saddr;
  struct hasync_address daddr;
  __u32 ifindex;
  __u16 id;
  __u16 protocol;
};

/* constants of the programs; ports in the machine's byte order */
enum { HASYNC_MAX_VIPS = 32 };

struct hasync_settings {
  __u16 ike_port;
  __u16 natt_port;
  __u32 vip_count;
  struct hasync_address vips[HASYNC_MAX_VIPS];
};

enum hasync_direction { HASYNC_INGRESS, HASYNC_EGRESS, HASYNC_DIRECTIONS };

enum hasync_reason {
  HASYNC_PASSED,
  HASYNC_NO_FENCE,       /* the deadline of the peer's segment is over */
  HASYNC_NO_ENTRY,       /* an SA that the gate does not know */
  HASYNC_BELOW_FLOOR,    /* a number from before this node took over */
  HASYNC_AT_CEILING,     /* a number beyond the lease, or a closed SA */
  HASYNC_FRAGMENT,       /* a later fragment whose first one did not leave here */
  HASYNC_MALFORMED,      /* too short, or headers that contradict themselves */
  HASYNC_ADDRESS_FENCED, /* ARP or neighbour discovery that would claim the address after its deadline */
  HASYNC_CONTENDED,      /* `left` or `top` could not be recorded, so the packet may not go */
  HASYNC_REPEATED,       /* a number that has left, or is so far behind the highest that it may have */
  HASYNC_REASONS
};

/* `counters`: one for each processor */
struct hasync_counters {
  __u64 packets[HASYNC_DIRECTIONS][HASYNC_REASONS];
  __u64 esp_let_in; /* of those that passed on ingress */
};

#endif
