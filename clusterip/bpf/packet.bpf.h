/* Reads what the decisions need from a frame's headers: who, to whom, and which of IKE, ESP or neither it is.
 * Reads by bpf_skb_load_bytes only: the headers of a cloned or fragmented buffer need not be linear.
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

/* set by the loader before the programs are verified */
const volatile struct hasync_settings settings = {.ike_port = 500, .natt_port = 4500};

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

ALWAYS_INLINE void map_ipv4(struct hasync_address* to, __u32 address) {
  to->words[0] = 0;
  to->words[1] = 0;
  to->words[2] = bpf_htonl(0xffff);
  to->words[3] = address;
}

ALWAYS_INLINE __u16 ether_type(struct __sk_buff* skb, __u32* l3) {
  __be16 type = 0;
  *l3 = ETH_HLEN;
  if (bpf_skb_load_bytes(skb, ETH_HLEN - 2, &type, sizeof(type))) return 0;
  if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
    *l3 += 4;
    if (bpf_skb_load_bytes(skb, ETH_HLEN + 2, &type, sizeof(type))) return 0;
  }
  return bpf_ntohs(type);
}

/* false: too short to hold addresses */
ALWAYS_INLINE bool read_ipv4(struct __sk_buff* skb, struct packet* p) {
  struct iphdr ip;
  if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof(ip))) return false;
  const __u32 header = ip.ihl * 4;
  const __u32 total = bpf_ntohs(ip.tot_len);
  const __u16 offset = bpf_ntohs(ip.frag_off);
  map_ipv4(&p->saddr, ip.saddr);
  map_ipv4(&p->daddr, ip.daddr);
  p->v6 = false;
  p->protocol = ip.protocol;
  p->id = ip.id;
  p->l4 = p->l3 + header;
  /* 0 makes every IKE or ESP packet malformed; others are not looked at */
  p->payload = ip.version == 4 && header >= sizeof(ip) && total > header ? total - header : 0;
  if (p->l4 + p->payload > skb->len) p->payload = 0;
  p->later_fragment = offset & 0x1fff;
  p->first_fragment = !p->later_fragment && (offset & 0x2000);
  return true;
}

ALWAYS_INLINE bool read_ipv6(struct __sk_buff* skb, struct packet* p) {
  struct ipv6hdr ip;
  if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof(ip))) return false;
  __builtin_memcpy(&p->saddr, &ip.saddr, sizeof(p->saddr));
  __builtin_memcpy(&p->daddr, &ip.daddr, sizeof(p->daddr));
  p->v6 = true;
  p->protocol = ip.nexthdr;
  p->id = 0;
  p->l4 = p->l3 + sizeof(ip);
  p->payload = ip.version == 6 ? bpf_ntohs(ip.payload_len) : 0;
  if (p->l4 + p->payload > skb->len) p->payload = 0;
  /* IPv6 fragments are not followed: all are refused, whatever they hold */
  p->later_fragment = ip.nexthdr == IPPROTO_FRAGMENT;
  p->first_fragment = false;
  return true;
}

ALWAYS_INLINE enum kind read_esp(struct __sk_buff* skb, struct packet* p, __u32 offset, __u32 room) {
  struct esp_header esp;
  if (room < sizeof(esp) || bpf_skb_load_bytes(skb, offset, &esp, sizeof(esp))) return KIND_MALFORMED;
  p->spi = esp.spi;
  p->number = bpf_ntohl(esp.number);
  return KIND_ESP;
}

/* RFC 3948, section 2: four zero bytes mark IKE, one 0xff byte keeps a NAT mapping alive, anything else is
 * ESP */
ALWAYS_INLINE enum kind read_natt(struct __sk_buff* skb, struct packet* p, __u32 body, __u32 room) {
  __u32 marker = 0;
  if (room == 1) {
    __u8 byte = 0;
    if (bpf_skb_load_bytes(skb, body, &byte, 1) || byte != 0xff) return KIND_MALFORMED;
    return KIND_IKE;
  }
  if (room < sizeof(marker) || bpf_skb_load_bytes(skb, body, &marker, sizeof(marker))) return KIND_MALFORMED;
  if (marker == 0) return KIND_IKE;
  /* several datagrams in one buffer come from a socket, each with a number of its own: none of them is judged
   */
  if (skb->gso_size) return KIND_MALFORMED;
  return read_esp(skb, p, body, room);
}

ALWAYS_INLINE enum kind read_udp(struct __sk_buff* skb, struct packet* p) {
  struct udphdr udp;
  if (p->payload < sizeof(udp) || bpf_skb_load_bytes(skb, p->l4, &udp, sizeof(udp))) return KIND_MALFORMED;
  const __u16 source = bpf_ntohs(udp.source);
  const __u16 dest = bpf_ntohs(udp.dest);
  const bool natt = source == settings.natt_port || dest == settings.natt_port;
  if (!natt && source != settings.ike_port && dest != settings.ike_port) return KIND_OTHER;
  __u32 length = bpf_ntohs(udp.len);
  if (length < sizeof(udp)) return KIND_MALFORMED;
  if (p->first_fragment) {
    length = p->payload;
  } else if (length > p->payload) {
    return KIND_MALFORMED;
  }
  return natt ? read_natt(skb, p, p->l4 + sizeof(udp), length - sizeof(udp)) : KIND_IKE;
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
