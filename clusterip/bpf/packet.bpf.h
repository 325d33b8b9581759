/* Reads what the decisions need from a frame's headers: who, to whom, and which of IKE, ESP or neither it is.
 * A header need not lie in the linear part of the buffer, nor whole in the packet.
 * RFC 791; RFC 8200; RFC 3948, section 2 (ESP and IKE on one UDP port); RFC 4303, section 2. */
#ifndef HASYNC_CLUSTERIP_PACKET_BPF_H
#define HASYNC_CLUSTERIP_PACKET_BPF_H

#include <linux/bpf.h>
/* after linux/bpf.h */
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>

#include "clusterip/bpf/layout.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* set by the loader before the programs are verified, so known to the verifier: unused VIPs cost nothing */
const volatile struct hasync_settings settings = {.ike_port = 500, .natt_port = 4500};

enum { MAX_OFFSET = 256 }; /* more than all headers together; the verifier wants a bound */

enum kind {
  KIND_OTHER, /* none of our business */
  KIND_IKE,
  KIND_ESP,
  KIND_AH,       /* carries numbers that nothing leases */
  KIND_FRAGMENT, /* a later fragment of something that may be IKE or ESP */
  KIND_MALFORMED,
};

struct packet {
  struct hasync_address saddr;
  struct hasync_address daddr;
  __u32 l3;      /* offset of the IP header */
  __u32 l4;      /* offset of what follows it */
  __u32 payload; /* bytes after the IP header, by its own length field */
  __u16 id;
  __u8 protocol;
  bool v6;
  bool first_fragment;
  bool later_fragment;
  __u32 spi; /* of ESP, network order */
  __u32 number;
};

struct esp_header {
  __be32 spi;
  __be32 number;
};

/* `size` bytes at `offset`: in the packet where they are linear, else copied to `buffer`. NULL: there are not
 * as many. A helper call for each header would cost as much as all else that is done with it. */
ALWAYS_INLINE const void* header(struct __sk_buff* skb, __u32 offset, void* buffer, __u32 size) {
  const void* data = (const void*)(long)skb->data;
  const void* end = (const void*)(long)skb->data_end;
  if (offset <= MAX_OFFSET && data + offset + size <= end) return data + offset;
  return bpf_skb_load_bytes(skb, offset, buffer, size) ? NULL : buffer;
}

ALWAYS_INLINE bool is_vip(const struct hasync_address* address) {
  for (__u32 i = 0; i < HASYNC_MAX_VIPS; i++) {
    if (i == settings.vip_count) return false;
    const volatile struct hasync_address* vip = &settings.vips[i];
    if (address->words[3] == vip->words[3] && address->words[2] == vip->words[2] &&
        address->words[1] == vip->words[1] && address->words[0] == vip->words[0]) {
      return true;
    }
  }
  return false;
}

ALWAYS_INLINE void map_ipv4(struct hasync_address* to, __u32 address) {
  to->words[0] = 0;
  to->words[1] = 0;
  to->words[2] = bpf_htonl(0xffff);
  to->words[3] = address;
}

/* 0: too short to tell */
ALWAYS_INLINE __u16 ether_type(struct __sk_buff* skb, __u32* l3) {
  struct ethhdr ethernet;
  struct vlan_tag {
    __be16 tag;
    __be16 type;
  } vlan;
  *l3 = sizeof(ethernet);
  const struct ethhdr* eth = header(skb, 0, &ethernet, sizeof(ethernet));
  if (!eth) return 0;
  if (eth->h_proto != bpf_htons(ETH_P_8021Q) && eth->h_proto != bpf_htons(ETH_P_8021AD)) {
    return bpf_ntohs(eth->h_proto);
  }
  *l3 += sizeof(vlan);
  const struct vlan_tag* tagged = header(skb, sizeof(ethernet), &vlan, sizeof(vlan));
  return tagged ? bpf_ntohs(tagged->type) : 0;
}

/* false: too short to hold addresses */
ALWAYS_INLINE bool read_ipv4(struct __sk_buff* skb, struct packet* p) {
  struct iphdr copy;
  const struct iphdr* ip = header(skb, p->l3, &copy, sizeof(copy));
  if (!ip) return false;
  const __u32 length = ip->ihl * 4;
  const __u32 total = bpf_ntohs(ip->tot_len);
  const __u16 offset = bpf_ntohs(ip->frag_off);
  map_ipv4(&p->saddr, ip->saddr);
  map_ipv4(&p->daddr, ip->daddr);
  p->v6 = false;
  p->protocol = ip->protocol;
  p->id = ip->id;
  p->l4 = p->l3 + length;
  /* 0 makes every IKE or ESP packet malformed; others are not looked at */
  p->payload = ip->version == 4 && length >= sizeof(*ip) && total > length ? total - length : 0;
  if (p->l4 + p->payload > skb->len) p->payload = 0;
  p->later_fragment = offset & 0x1fff;
  p->first_fragment = !p->later_fragment && (offset & 0x2000);
  return true;
}

ALWAYS_INLINE bool read_ipv6(struct __sk_buff* skb, struct packet* p) {
  struct ipv6hdr copy;
  const struct ipv6hdr* ip = header(skb, p->l3, &copy, sizeof(copy));
  if (!ip) return false;
  __builtin_memcpy(&p->saddr, &ip->saddr, sizeof(p->saddr));
  __builtin_memcpy(&p->daddr, &ip->daddr, sizeof(p->daddr));
  p->v6 = true;
  p->protocol = ip->nexthdr;
  p->id = 0;
  p->l4 = p->l3 + sizeof(*ip);
  p->payload = ip->version == 6 ? bpf_ntohs(ip->payload_len) : 0;
  if (p->l4 + p->payload > skb->len) p->payload = 0;
  /* IPv6 fragments are not followed: all are refused, whatever they hold */
  p->later_fragment = ip->nexthdr == IPPROTO_FRAGMENT;
  p->first_fragment = false;
  return true;
}

ALWAYS_INLINE enum kind read_esp(struct __sk_buff* skb, struct packet* p, __u32 offset, __u32 room) {
  struct esp_header copy;
  const struct esp_header* esp = room < sizeof(copy) ? NULL : header(skb, offset, &copy, sizeof(copy));
  if (!esp) return KIND_MALFORMED;
  p->spi = esp->spi;
  p->number = bpf_ntohl(esp->number);
  return KIND_ESP;
}

/* RFC 3948, section 2: four zero bytes mark IKE, one 0xff byte keeps a NAT mapping alive, anything else is
 * ESP */
ALWAYS_INLINE enum kind read_natt(struct __sk_buff* skb, struct packet* p, __u32 body, __u32 room) {
  __u32 copy;
  if (room == 1) {
    const __u8* byte = header(skb, body, &copy, 1);
    return byte && *byte == 0xff ? KIND_IKE : KIND_MALFORMED;
  }
  const __u32* marker = room < sizeof(copy) ? NULL : header(skb, body, &copy, sizeof(copy));
  if (!marker) return KIND_MALFORMED;
  if (*marker == 0) return KIND_IKE;
  /* several datagrams in one buffer come from a socket, each with a number of its own: none of them is judged
   */
  if (skb->gso_size) return KIND_MALFORMED;
  return read_esp(skb, p, body, room);
}

ALWAYS_INLINE enum kind read_udp(struct __sk_buff* skb, struct packet* p) {
  struct udphdr copy;
  const struct udphdr* udp = p->payload < sizeof(copy) ? NULL : header(skb, p->l4, &copy, sizeof(copy));
  if (!udp) return KIND_MALFORMED;
  const __u16 source = bpf_ntohs(udp->source);
  const __u16 dest = bpf_ntohs(udp->dest);
  __u32 length = bpf_ntohs(udp->len);
  const bool natt = source == settings.natt_port || dest == settings.natt_port;
  if (!natt && source != settings.ike_port && dest != settings.ike_port) return KIND_OTHER;
  if (length < sizeof(*udp)) return KIND_MALFORMED;
  if (p->first_fragment) {
    length = p->payload;
  } else if (length > p->payload) {
    return KIND_MALFORMED;
  }
  return natt ? read_natt(skb, p, p->l4 + sizeof(*udp), length - sizeof(*udp)) : KIND_IKE;
}

ALWAYS_INLINE bool is_ipv6_extension(const struct packet* p) {
  return p->v6 &&
         (p->protocol == IPPROTO_HOPOPTS || p->protocol == IPPROTO_ROUTING || p->protocol == IPPROTO_DSTOPTS);
}

ALWAYS_INLINE enum kind classify(struct __sk_buff* skb, struct packet* p) {
  /* IPv6 puts these before ESP or UDP only if somebody hides them: not followed, not let through */
  if (is_ipv6_extension(p)) return KIND_MALFORMED;
  if (p->v6 && p->later_fragment) return KIND_FRAGMENT;
  if (p->protocol != IPPROTO_ESP && p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_AH)
    return KIND_OTHER;
  if (p->payload == 0) return KIND_MALFORMED;
  if (p->later_fragment) return KIND_FRAGMENT;
  if (p->protocol == IPPROTO_AH) return KIND_AH;
  if (p->protocol == IPPROTO_ESP) return read_esp(skb, p, p->l4, p->payload);
  return read_udp(skb, p);
}

#endif
