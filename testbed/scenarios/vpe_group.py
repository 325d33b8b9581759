"""Three gateways in one group: each sends to all on one SA and with one key, and all hear all; nobody agrees on a number with anybody.

A member is powered off and comes back; somebody sends again what was sent, and with a member's own SenderID. Variant: workers of each
vped (1).
"""
import json
import socket
import sys

from bed import numbered, topology, vped
from bed.sniffer import Sniffer
from bed.wait import until

_SENDERS = {"gw1": 1, "gw2": 2, "peer": 3}
_PORT, _RATE = 7000, 300


def play(bed, workers="1"):
    bed.start(*_SENDERS)
    text = vped.group_key(bed)
    for name, sender in _SENDERS.items():
        vped.start_in_group(bed, name, text, sender, int(workers))
    bed.say("three gateways are in one group")
    bed.capture("wan-peer")
    for name in _SENDERS:
        _listen(bed, name)
    for name in _SENDERS:
        _send_on(bed, name)
    for name in _SENDERS:
        _await_packets(bed, name, set(_SENDERS.values()) - {_SENDERS[name]})
    bed.say("each hears both others")
    come_back(bed, text, int(workers))
    for name in _SENDERS:
        bed.hosts[name].services.pop("sender").process.kill()
    heard(bed)
    not_the_groups(bed)
    bed.stop_captures()
    seen = vped.windows(bed.captures[-1])
    bed.expect("members that sent, on the wire", sorted({window[1] for window in seen}), sorted(_SENDERS.values()))
    bed.expect("packets on the wire", sum(map(len, seen.values())), lambda count: count > 6 * _RATE)
    bed.expect("IVs that left twice", vped.repeated(seen), _REPEATED)


_REPEATED = 1  # the one that not_the_groups() sends again


def _listen(bed, name):
    bed.hosts[name].start("receiver", sys.executable, numbered.__file__, "receive", str(_PORT), vped.GROUP_INNER, "vpe0")
    until(f"the receiver of {name} listens", lambda: f":{_PORT}" in bed.hosts[name].run("ss", "-Huln"))


def _send_on(bed, name):
    bed.hosts[name].start("sender", sys.executable, numbered.__file__, "send", vped.GROUP_INNER, str(_PORT), str(_RATE))


def _tops(bed, name):
    """The highest number that came from each sender, of its newest incarnation."""
    windows = vped.status(bed, name)["tunnels"][0]["receiving_windows"]
    return {one["sender"]: one["top"] for one in sorted(windows, key=lambda one: one["incarnation"])}


def _await_packets(bed, name, senders):
    """A second's packets more from each of these."""
    before = _tops(bed, name)
    until(f"{name} hears {sorted(senders)}",
          lambda: all(_tops(bed, name).get(sender, 0) >= before.get(sender, 0) + _RATE for sender in senders), every=0.1)


def come_back(bed, text, workers):
    """A member loses its memory: it goes on with windows that it has never had, and needs nobody for that."""
    bed.power_off("gw1")
    _await_packets(bed, "peer", {_SENDERS["gw2"]})
    bed.power_on("gw1")
    vped.start_in_group(bed, "gw1", text, _SENDERS["gw1"], workers)
    bed.expect("incarnation of the member that was lost", vped.status(bed, "gw1")["tunnels"][0]["incarnation"], 1)
    _listen(bed, "gw1")
    _send_on(bed, "gw1")
    until("the peer hears it again", lambda: any(
        one["sender"] == _SENDERS["gw1"] and one["incarnation"] == 1 and one["top"] > _RATE
        for one in vped.status(bed, "peer")["tunnels"][0]["receiving_windows"]), every=0.1)


def heard(bed):
    """What never stopped has come whole, and once, wherever somebody listened all the time."""
    for name, other in (("peer", "gw2"), ("gw2", "peer")):
        receiver = bed.hosts[name].services.pop("receiver")
        receiver.process.terminate()
        receiver.wait()
        (came,) = [of for address, of in json.loads(receiver.log_text()).items() if address == vped.inner(bed, other, topology.V4)]
        bed.expect(f"{name} heard of {other}", came["came"], lambda count: count > 2 * _RATE)
        bed.expect(f"{name} missed of {other}", came["missing"], 0)
        bed.expect(f"{name} heard twice of {other}", came["twice"], 0)
    for name in _SENDERS:
        bed.expect(f"{name} dropped", vped.drops(bed, name), {})


def not_the_groups(bed):
    """A packet of the group comes again, also to the one who had sent it, and once with another number."""
    sniffer, kept = Sniffer("wan-gw2"), []

    def fits(frame):
        if header := vped.header_of(bytes(frame)):
            kept.append(header)
        return bool(kept)
    bed.hosts["gw2"].within(_send_one)
    sniffer.first(fits, 0, 10)
    sniffer.close()
    good = kept[0]
    before = {name: vped.drops(bed, name) for name in _SENDERS}
    bed.hosts["gw1"].within(lambda: _send_to_group(bed, (good, good[:9] + bytes([good[9] ^ 0x55]) + good[10:])))
    for name, causes in (("peer", ("replayed", "forged")), ("gw2", ("own-sender", "forged"))):
        until(f"{name} has counted", lambda n=name, c=causes: all(vped.drops(bed, n).get(one, 0) > before[n].get(one, 0) for one in c))
        bed.expect(f"{name} dropped for their cause", vped.drops(bed, name), dict.fromkeys(causes, 1))


def _send_one():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.sendto(bytes(8), (vped.GROUP_INNER, _PORT))


def _send_to_group(bed, packets):
    with socket.socket(socket.AF_INET6 if bed.family is topology.V6 else socket.AF_INET, socket.SOCK_DGRAM) as link:
        if bed.family is topology.V6:
            link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("wan0"))
            link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        else:
            link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(bed.address("gw1", "wan")))
            link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        for packet in packets:
            link.sendto(packet, (vped.GROUPS[bed.family.name], vped.PORT))
