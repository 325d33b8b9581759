/* The fence and the gate: two tc programs for every interface that can reach a peer, and for the LAN side.
 * They judge IKE and ESP to (ingress) or from (egress) one of the VIPs, ESP of an SA in `gate` wherever it
 * comes from, and ARP and neighbour discovery that speak for a VIP; all else passes. A segment's packets pass
 * before its deadline; an ESP packet leaves only if its numbers lie within what `gate` and `slots` allow.
 * Every doubt is a drop, counted by reason. They know no owner, no view, no lease: only deadlines and limits
 * that the daemon stores. No BTF of the kernel and no JIT is needed (Linux 6.1 and later). RFC 4303,
 * sections 2.2 and 3.3.3 (sequence numbers); RFC 1982 (serial comparison); RFC 826 (ARP); RFC 4861,
 * sections 4.3 and 4.4 (neighbour discovery). */
#include <asm/byteorder.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "clusterip/bpf/packet.bpf.h"

enum {
  UNTOUCHED = -1,
  ATTEMPTS = 32, /* of a compare-and-swap: more than CPUs that send on one SA at the same moment */
  HALF_SPACE = 1U << 31,
  MAX_SEGMENTS =
      (HASYNC_LEFT_BLOCKS - 1) * HASYNC_BLOCK + 1, /* wherever they begin, each has a bit of its own */
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HASYNC_FENCE_SLOTS);
  __type(key, __u32);
  __type(value, __u64);
} fence SEC(".maps");

/* Preallocated: without that, 10 000 SAs opened in one batch fail on Linux 6.1 (user-mode-linux). */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 131072); /* the loader may change it, with that of `slots` */
  __type(key, struct hasync_sa_key);
  __type(value, __u64);
} gate SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 131072);
  __type(key, __u32);
  __type(value, struct hasync_sa_slot);
} slots SEC(".maps");

/* Apart from `slots`, so that the daemon reads what 10 000 SAs have used without passing by these. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 131072);
  __type(key, __u32);
  __type(value, struct hasync_left);
} left SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct hasync_fragment_key);
  __type(value, __u8);
} heads SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct hasync_counters);
} counters SEC(".maps");

ALWAYS_INLINE bool is_open(__u32 slot) {
  const volatile __u64* deadline = bpf_map_lookup_elem(&fence, &slot);
  return deadline && bpf_ktime_get_ns() < *deadline;
}

ALWAYS_INLINE __u32 segment_of(const struct hasync_address* peer, bool v6) {
  __u32 word[4];
  for (int i = 0; i < 4; i++) word[i] = __le32_to_cpup(&peer->words[i]);
  const __u32 hash =
      v6 ? hasync_jhash_4(word, HASYNC_SEGMENT_SEED) : hasync_jhash_1(word[3], HASYNC_SEGMENT_SEED);
  return hasync_segment_of_hash(hash);
}

/* Several CPUs may send on one SA at once: whoever is highest must be what stays. A compare-and-swap rather
 * than a lock, because user space reads `top` through mmap, where a bpf_spin_lock cannot live. Losing means
 * that another CPU raised it. */
ALWAYS_INLINE bool raise_top(struct hasync_sa_slot* slot, __u32 next) {
  for (int i = 0; i < ATTEMPTS; i++) {
    const __u32 seen = *(volatile __u32*)&slot->top;
    if ((__s32)(next - seen) <= 0) return true;
    if (__sync_val_compare_and_swap(&slot->top, seen, next) == seen) return true;
  }
  return false;
}

/* Each number leaves once, whoever counts them anew: charon deletes an SA and adds it again with the number
 * that it read before, while packets with later ones leave. A number belongs to one word, and from that it is
 * taken by one compare-and-swap. `bits` of the block that begins at `first`; serial comparison as everywhere.
 */
ALWAYS_INLINE int take_of_block(struct hasync_left* numbers, __u32 first, __u32 bits) {
  __u64* word = &numbers->blocks[first / HASYNC_BLOCK % HASYNC_LEFT_BLOCKS];
  for (int i = 0; i < ATTEMPTS; i++) {
    const __u64 seen = *(volatile __u64*)word;
    const __s32 ahead = (__s32)(first - (__u32)(seen >> 32) * HASYNC_BLOCK);
    const __u32 taken = ahead > 0 ? 0 : (__u32)seen;
    if (ahead < 0 || taken & bits) return HASYNC_REPEATED;
    const __u64 next = (__u64)(first / HASYNC_BLOCK) << 32 | taken | bits;
    if (__sync_val_compare_and_swap(word, seen, next) == seen) return HASYNC_PASSED;
  }
  return HASYNC_CONTENDED;
}

/* A buffer of which one number has left does not leave; its other numbers are lost with it. */
ALWAYS_INLINE int take_numbers(struct hasync_left* numbers, __u32 number, __u32 count) {
  for (int i = 0; i < HASYNC_LEFT_BLOCKS; i++) {
    const __u32 at = number % HASYNC_BLOCK;
    const __u32 here = count < HASYNC_BLOCK - at ? count : HASYNC_BLOCK - at;
    const __u32 bits = (here == HASYNC_BLOCK ? ~0U : (1U << here) - 1) << at;
    const int verdict = take_of_block(numbers, number - at, bits);
    count -= here;
    if (verdict != HASYNC_PASSED || count == 0) return verdict;
    number += here;
  }
  return HASYNC_CONTENDED; /* not reached: MAX_SEGMENTS */
}

/* ESP segmentation offload: the header holds the first number, the device makes `gso_segs` of them */
ALWAYS_INLINE __u32 numbers_used(const struct __sk_buff* skb) {
  return skb->gso_size ? skb->gso_segs : 1;
}

ALWAYS_INLINE const volatile __u64* entry_of(const struct packet* p) {
  struct hasync_sa_key key = {.daddr = p->daddr, .spi = p->spi};
  return bpf_map_lookup_elem(&gate, &key);
}

ALWAYS_INLINE int judge_number(struct __sk_buff* skb, const struct packet* p) {
  const volatile __u64* entry = entry_of(p);
  if (!entry) return HASYNC_NO_ENTRY;
  const __u64 reference = *entry;
  const __u32 index = (__u32)reference;
  struct hasync_sa_slot* slot = bpf_map_lookup_elem(&slots, &index);
  struct hasync_left* numbers = bpf_map_lookup_elem(&left, &index);
  if (!slot || !numbers) return HASYNC_NO_ENTRY;
  /* limits first: if they are already those of the slot's next SA, so is the generation */
  const __u64 limits = *(volatile __u64*)&slot->limits;
  if (*(volatile __u32*)&slot->generation != (__u32)(reference >> 32)) return HASYNC_NO_ENTRY;

  const __u32 count = numbers_used(skb);
  if (count == 0 || count > MAX_SEGMENTS) return HASYNC_MALFORMED;
  const __u32 width = (__u32)(limits >> 32) - (__u32)limits;
  const __u32 above = p->number - (__u32)limits;
  if (above >= HALF_SPACE) return HASYNC_BELOW_FLOOR;
  if (width >= HALF_SPACE || above >= width || count > width - above) return HASYNC_AT_CEILING;
  const int verdict = take_numbers(numbers, p->number, count);
  if (verdict != HASYNC_PASSED) return verdict;
  return raise_top(slot, p->number + count) ? HASYNC_PASSED : HASYNC_CONTENDED;
}

/* What is left of a packet follows its first fragment, or stays as well: its number is not written on it. */
ALWAYS_INLINE struct hasync_fragment_key fragment_key(const struct __sk_buff* skb, const struct packet* p) {
  struct hasync_fragment_key key = {
      .saddr = p->saddr, .daddr = p->daddr, .ifindex = skb->ifindex, .id = p->id, .protocol = p->protocol};
  return key;
}

ALWAYS_INLINE void note_first_fragment(const struct __sk_buff* skb, const struct packet* p, bool passed) {
  struct hasync_fragment_key key = fragment_key(skb, p);
  const __u8 present = 1;
  if (passed) {
    bpf_map_update_elem(&heads, &key, &present, BPF_ANY);
  } else {
    bpf_map_delete_elem(&heads, &key);
  }
}

ALWAYS_INLINE int judge_later_fragment(const struct __sk_buff* skb, const struct packet* p) {
  struct hasync_fragment_key key = fragment_key(skb, p);
  return bpf_map_lookup_elem(&heads, &key) ? HASYNC_PASSED : HASYNC_FRAGMENT;
}

ALWAYS_INLINE int judge_leaving(struct __sk_buff* skb, const struct packet* p, enum kind kind) {
  if (kind == KIND_OTHER) return UNTOUCHED;
  if (kind == KIND_MALFORMED) return HASYNC_MALFORMED;
  if (!is_open(segment_of(&p->daddr, p->v6))) return HASYNC_NO_FENCE;
  if (kind == KIND_IKE) return HASYNC_PASSED;
  if (kind == KIND_FRAGMENT) return judge_later_fragment(skb, p);
  if (kind == KIND_ESP) return judge_number(skb, p);
  return HASYNC_NO_ENTRY;
}

ALWAYS_INLINE int judge_arriving(struct __sk_buff* skb, const struct packet* p, enum kind kind) {
  if (kind == KIND_OTHER) return UNTOUCHED;
  if (kind == KIND_MALFORMED) return HASYNC_MALFORMED;
  if (!is_open(segment_of(&p->saddr, p->v6))) return HASYNC_NO_FENCE;
  /* The kernel neither delivers nor forwards what came by a multicast frame, not even after decryption. */
  if (skb->pkt_type == PACKET_MULTICAST) bpf_skb_change_type(skb, PACKET_HOST);
  return HASYNC_PASSED;
}

struct arp_ipv4 {
  __be16 hardware_type;
  __be16 protocol_type;
  __u8 hardware_length;
  __u8 protocol_length;
  __be16 operation;
  __u8 sender_mac[6];
  __u8 sender_address[4];
};

ALWAYS_INLINE int judge_arp(struct __sk_buff* skb, __u32 l3) {
  struct arp_ipv4 copy;
  struct hasync_address sender;
  __u32 address;
  const struct arp_ipv4* arp = header(skb, l3, &copy, sizeof(copy));
  if (!arp) return HASYNC_MALFORMED;
  __builtin_memcpy(&address, arp->sender_address, sizeof(address));
  map_ipv4(&sender, address);
  if (!is_vip(&sender)) return UNTOUCHED;
  return is_open(HASYNC_ADDRESS_SLOT) ? HASYNC_PASSED : HASYNC_ADDRESS_FENCED;
}

/* A solicitation and an advertisement begin alike. */
struct neighbour {
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be32 flags;
  struct hasync_address target;
};

/* A solicitation tells the MAC of its source, an advertisement that of its target. */
ALWAYS_INLINE int judge_neighbour(struct __sk_buff* skb, const struct packet* p) {
  enum { SOLICITATION = 135, ADVERTISEMENT = 136 };
  struct neighbour copy;
  struct hasync_address target;
  const struct neighbour* message = header(skb, p->l4, &copy, sizeof(copy));
  if (!message) return UNTOUCHED; /* nothing that anybody would heed */
  const __u8 type = message->type;
  __builtin_memcpy(&target, &message->target, sizeof(target));
  const bool claims = type == SOLICITATION ? is_vip(&p->saddr) : type == ADVERTISEMENT && is_vip(&target);
  if (!claims) return UNTOUCHED;
  return is_open(HASYNC_ADDRESS_SLOT) ? HASYNC_PASSED : HASYNC_ADDRESS_FENCED;
}

ALWAYS_INLINE struct hasync_counters* counted_here(void) {
  const __u32 only = 0;
  return bpf_map_lookup_elem(&counters, &only);
}

ALWAYS_INLINE int finish(int reason, __u32 direction) {
  if (reason == UNTOUCHED) return TC_ACT_UNSPEC;
  struct hasync_counters* here = counted_here();
  if (here && (__u32)reason < HASYNC_REASONS) here->packets[direction][reason]++;
  return reason == HASYNC_PASSED ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* TC_ACT_UNSPEC, not OK: filters that an operator placed behind ours still see what we let through. */
SEC("tc")
int hasync_egress(struct __sk_buff* skb) {
  struct packet p = {};
  const __u16 type = ether_type(skb, &p.l3);
  if (type == ETH_P_ARP) return finish(judge_arp(skb, p.l3), HASYNC_EGRESS);
  if (type != ETH_P_IP && type != ETH_P_IPV6) return TC_ACT_UNSPEC;
  if (!(type == ETH_P_IP ? read_ipv4(skb, &p) : read_ipv6(skb, &p)))
    return finish(HASYNC_MALFORMED, HASYNC_EGRESS);
  if (p.v6 && p.protocol == IPPROTO_ICMPV6) return finish(judge_neighbour(skb, &p), HASYNC_EGRESS);
  const enum kind kind = classify(skb, &p);
  /* an SA that has left the VIP (RFC 4555) has not left its lease */
  if (!is_vip(&p.saddr) && !(kind == KIND_ESP && entry_of(&p))) return TC_ACT_UNSPEC;
  const int reason = judge_leaving(skb, &p, kind);
  if (p.first_fragment) note_first_fragment(skb, &p, reason == HASYNC_PASSED || reason == UNTOUCHED);
  return finish(reason, HASYNC_EGRESS);
}

SEC("tc")
int hasync_ingress(struct __sk_buff* skb) {
  struct packet p = {};
  const __u16 type = ether_type(skb, &p.l3);
  if (type != ETH_P_IP && type != ETH_P_IPV6) return TC_ACT_UNSPEC;
  if (!(type == ETH_P_IP ? read_ipv4(skb, &p) : read_ipv6(skb, &p)))
    return finish(HASYNC_MALFORMED, HASYNC_INGRESS);
  const enum kind kind = classify(skb, &p);
  if (!is_vip(&p.daddr)) {
    /* forwarded, it would be taken for one of ours on its way out, and use up our numbers */
    return kind == KIND_ESP && entry_of(&p) ? finish(HASYNC_NO_ENTRY, HASYNC_INGRESS) : TC_ACT_UNSPEC;
  }
  const int reason = judge_arriving(skb, &p, kind);
  struct hasync_counters* here = counted_here();
  if (here && reason == HASYNC_PASSED && kind != KIND_IKE) here->esp_let_in++;
  return finish(reason, HASYNC_INGRESS);
}

char _license[] SEC("license") = "GPL";
