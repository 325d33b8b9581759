"""Three gateways in one group: each sends to all on one SA and with one key, and all hear all; nobody agrees on a number with anybody.

A member is powered off and comes back; somebody sends again what was sent, and with a member's own SenderID. Variants: workers of each
vped (1); ipv6: the packets between them are IPv6, and nobody is powered off.
"""
import json
import socket
import sys

from bed import numbered, vped
from bed.sniffer import Sniffer
from bed.wait import until

_SENDERS = {"gw1": 1, "gw2": 2, "peer": 3}
_PORT, _RATE = 7000, 300


def play(bed, workers="1", outer="ipv4"):
    bed.start(*_SENDERS)
    text = vped.group_key(bed)
    for name, sender in _SENDERS.items():
        vped.start_in_group(bed, name, text, sender, int(workers), outer == "ipv6")
    bed.say("three gateways are in one group")
    bed.capture("wan-peer")
    for name in _SENDERS:
        _listen(bed, name)
    for name in _SENDERS:
        _send_on(bed, name)
    for name in _SENDERS:
        _await_packets(bed, name, set(_SENDERS.values()) - {_SENDERS[name]})
    bed.say("each hears both others")
    if outer == "ipv6":
        return
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
        (came,) = [of for address, of in json.loads(receiver.log_text()).items() if address == _inner(bed, other)]
        bed.expect(f"{name} heard of {other}", came["came"], lambda count: count > 2 * _RATE)
        bed.expect(f"{name} missed of {other}", came["missing"], 0)
        bed.expect(f"{name} heard twice of {other}", came["twice"], 0)
    for name in _SENDERS:
        bed.expect(f"{name} dropped", vped.drops(bed, name), {})


def _inner(bed, name):
    return bed.hosts[name].plan.address("lan") if bed.hosts[name].plan.gateway else "10.2.0.1"


def not_the_groups(bed):
    """A packet of the group comes again, also to the one who had sent it, and once with another number."""
    sniffer, kept = Sniffer("wan-gw2"), []

    def fits(frame):
        if frame[30:34] == socket.inet_aton(vped.GROUP) and frame[23] == 17:
            kept.append(bytes(frame[42:]))
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
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(bed.hosts["gw1"].plan.address("wan")))
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        for packet in packets:
            link.sendto(packet, (vped.GROUP, vped.PORT))
