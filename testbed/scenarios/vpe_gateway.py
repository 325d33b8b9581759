"""vped: two gateways send to the peer on one SA; traffic both ways, what is not the peer's, narrow and wide paths, a gateway lost.

Variant: workers of each vped (1).
"""
import json
import re
import socket
import subprocess
import sys
import time

from bed import numbered, pcap, picture, topology, vped
from bed.host import monotonic_ns
from bed.network import port
from bed.sniffer import Sniffer
from bed.wait import until

_JUMBO, _NARROW = 9000, 1400  # an IPv6 packet of 1280 fits through the narrow path (RFC 8200, section 5)
_EXPEDITED = 46 << 2  # DSCP in its octet (RFC 3246)


def play(bed, workers="1"):
    bed.start("gw1", "gw2", "peer")
    _make_wide(bed)
    texts = vped.keys(bed)
    for name in ("peer", "gw1", "gw2"):
        vped.start(bed, name, texts, peer="gw1" if name == "peer" else "peer", workers=int(workers))
    bed.say("vped runs on both gateways and the peer")
    traffic(bed)
    two_senders(bed, texts, int(workers))
    not_the_peers(bed)
    narrow_path(bed)
    taken_away(bed)


def _make_wide(bed):
    cables = [port("wan", name) for name in ("gw1", "gw2", "peer")]
    subprocess.run(["ip", "-batch", "-"], input="".join(f"link set {cable} mtu {_JUMBO}\n" for cable in cables), text=True, check=True)
    for name in ("gw1", "gw2", "peer"):
        bed.hosts[name].ip(f"link set wan0 mtu {_JUMBO}")


def traffic(bed):
    """Ping and TCP, both ways, in jumbo frames."""
    whole = _JUMBO - vped.overhead(bed)
    for name, to in (("gw1", vped.inner(bed, "peer")), ("peer", vped.inner(bed, "gw1"))):
        for size in (56, whole - bed.family.header - 8):
            text = bed.hosts[name].run("ping", "-M", "do", "-c", "3", "-i", "0.1", "-W", "5", "-s", str(size), to, check=False)
            bed.expect(f"answers to {name}'s ping of {size}", text.count("bytes from"), 3)
        bed.expect(f"TCP from {name} carried MB", tcp(bed, name, to) / 1e6, lambda size: size > 5)
    for name in ("gw1", "peer"):
        bed.expect(f"{name} dropped", vped.drops(bed, name), {})
    sent = vped.status(bed, "peer")["tunnels"][0]["sent"]["packets"]
    page = vped.metrics(bed, "peer")
    bed.expect("packets sent, by the metrics", re.findall(r'vped_tunnel_packets_total{.*"sent"} (\d+)', page), [str(sent)])
    bed.expect("packets in one piece", _mean_piece(bed, "peer"), lambda mean: mean > 2)


def _mean_piece(bed, name):
    """How many packets the peer's device was given at a time."""
    worker = vped.status(bed, name)["workers"]
    return sum(one["outside_received"] for one in worker) / max(1, sum(one["inside_written"] for one in worker))


def tcp(bed, name, to):
    """Bytes that came in a second of TCP from this host."""
    receiver = bed.hosts["peer" if name != "peer" else "gw1"]
    receiver.start("iperf3", "iperf3", "--server", "--one-off", "--bind", to)
    until("iperf3 listens", lambda: bed.family.port(to, 5201) in receiver.run("ss", "-Htln"))
    report = json.loads(bed.hosts[name].run("iperf3", "--client", to, "--time", "1", "--json", timeout=60))
    receiver.services.pop("iperf3").wait()
    return report["end"]["sum_received"]["bytes"]


def two_senders(bed, texts, workers):
    """One of two gateways that send on one SA is lost, and comes back without memory: nothing comes twice, the other's all come."""
    bed.capture("wan-peer")
    receiver = bed.hosts["peer"].start("receiver", sys.executable, numbered.__file__, "receive", "7000")
    until("the receiver listens", lambda: ":7000" in bed.hosts["peer"].run("ss", "-Huln"))
    for name in ("gw1", "gw2"):
        bed.hosts[name].start("sender", sys.executable, numbered.__file__, "send", bed.family.peer_inner, "7000", "500")
    _await_packets(bed, 2, 500)
    bed.say("both gateways send on one SA")
    bed.power_off("gw1")
    _await_packets(bed, 1, 500)
    bed.power_on("gw1")
    bed.hosts["gw1"].ip(f"link set wan0 mtu {_JUMBO}")
    subprocess.run(["ip", "link", "set", port("wan", "gw1"), "mtu", str(_JUMBO)], check=True)
    vped.start(bed, "gw1", texts, workers=workers)
    bed.expect("incarnation of the gateway that was lost", vped.status(bed, "gw1")["tunnels"][0]["incarnation"], 1)
    bed.hosts["gw1"].start("sender", sys.executable, numbered.__file__, "send", bed.family.peer_inner, "7000", "500")
    _await_packets(bed, 2, 500)
    for name in ("gw1", "gw2"):
        bed.hosts[name].services.pop("sender").process.kill()
    bed.hosts["peer"].services.pop("receiver").process.terminate()
    receiver.wait()
    came = json.loads(receiver.log_text())
    survivor = came[bed.address("gw2", "lan")]
    bed.expect("of the survivor's packets came", survivor["came"], lambda count: count > 1000)
    bed.expect("of the survivor's packets are missing", survivor["missing"], 0)
    bed.expect("of the survivor's packets came twice", survivor["twice"], 0)
    bed.expect("the peer dropped", vped.drops(bed, "peer"), {})
    bed.stop_captures()
    seen = [(at, vped.header_of(frame)) for at, frame in pcap.frames(bed.captures[-1]) if _is_vpe(frame, bed)]
    offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns()  # of the recording's clock
    bed.facts["traffic"] = picture.traffic([(at, False) for at, _ in seen], seen[0][0], seen[-1][0], 50, bed.zero + offset)
    ivs = [header[4:16] for _, header in seen]
    bed.expect("packets on the wire", len(ivs), lambda count: count > 2000)
    bed.expect("IVs that left twice", len(ivs) - len(set(ivs)), 0)


def _is_vpe(frame, bed):
    """Whether it is a gateway's."""
    return vped.header_of(frame) is not None and pcap.packet(frame)[1] in [bed.address(name, "wan") for name in ("gw1", "gw2")]


def _dscp(frame):
    """In its octet: TOS, or the traffic class."""
    octets = int.from_bytes(frame[14:16], "big")
    return octets & 0xff if octets >> 12 == 4 else octets >> 4 & 0xff


def _await_packets(bed, windows, more):
    """So many packets more in each of so many windows of the peer."""
    def tops():
        return {json.dumps({key: value for key, value in window.items() if key != "top"}): window["top"]
                for window in vped.status(bed, "peer")["tunnels"][0]["receiving_windows"]}
    before = tops()
    until(f"{more} packets in {windows} windows",
          lambda: sum(top >= before.get(name, 0) + more for name, top in tops().items()) >= windows, every=0.1)


def not_the_peers(bed):
    """What somebody on the way sends, or sends again, is counted by its cause and not delivered."""
    sniffer = Sniffer("wan-peer")
    kept = []

    def fits(frame):
        if _is_vpe(frame, bed):
            kept.append(bytes(frame))
        return bool(kept)
    bed.hosts["gw1"].run("ping", "-c", "1", "-W", "5", "-Q", str(_EXPEDITED), bed.family.peer_inner)
    sniffer.first(fits, 0, 5)
    sniffer.close()
    good = vped.header_of(kept[0])
    bed.expect("DSCP of the outer header", _dscp(kept[0]), _EXPEDITED)
    bed.expect("class in the WindowID", good[7] & 3, 3)
    bad = {"replayed": good, "forged": good[:9] + bytes([good[9] ^ 0x55]) + good[10:], "truncated": good[:51],
           "foreign-spi": b"\xd0\0\0\x09" + good[4:], "foreign-sender": good[:5] + b"\x07" + good[6:]}
    written = sum(worker["inside_written"] for worker in vped.status(bed, "peer")["workers"])
    before = vped.drops(bed, "peer")
    bed.hosts["gw2"].within(lambda: _send(bed, bad.values()))

    def counted():
        now = vped.drops(bed, "peer")
        new = {cause: now[cause] - before.get(cause, 0) for cause in now if now[cause] != before.get(cause, 0)}
        return new if sum(new.values()) >= len(bad) else None
    bed.expect("dropped for their cause", until("all are counted", counted), dict.fromkeys(bad, 1))
    bed.expect("and delivered", sum(worker["inside_written"] for worker in vped.status(bed, "peer")["workers"]) - written, 0)


def _send(bed, packets):
    to = bed.address("peer", "wan"), vped.PORT
    with socket.socket(socket.AF_INET6 if bed.family is topology.V6 else socket.AF_INET, socket.SOCK_DGRAM) as link:
        for packet in packets:
            link.sendto(packet, to)


def narrow_path(bed):
    """A router on the way has a smaller MTU: hosts inside are told, and TCP goes on."""
    peer, router = (bed.address(name, "wan") for name in ("peer", "gw2"))
    bed.hosts["gw2"].ip(f"route add {peer}/{bed.family.host_bits} dev wan0 mtu lock {_NARROW}")
    bed.hosts["gw1"].ip(f"route add {peer}/{bed.family.host_bits} via {router}")
    bed.say(f"the path to the peer carries {_NARROW} bytes")

    def told():
        text = bed.hosts["gw1"].run("ping", "-M", "do", "-c", "1", "-W", "1", "-s", "2000", bed.family.peer_inner, check=False)
        return f"mtu = {_NARROW - vped.overhead(bed)}" in text or f"mtu={_NARROW - vped.overhead(bed)}" in text
    bed.expect("a host is told the MTU", bool(until("a host is told the MTU", told)), True)
    text = bed.hosts["gw1"].run("ping", "-M", "dont", "-c", "1", "-W", "5", "-s", "2000", bed.family.peer_inner, check=False)
    bed.expect("answers to a ping that may be cut", text.count("bytes from"), 1)
    bed.expect("told too big", sum(worker["told_too_big"] for worker in vped.status(bed, "gw1")["workers"]), lambda count: count > 0)
    bed.expect("TCP on the narrow path carried MB", tcp(bed, "gw1", bed.family.peer_inner) / 1e6, lambda size: size > 1)


def taken_away(bed):
    """Without its device vped ends, and says so, instead of standing there."""
    service = bed.hosts["gw2"].services.pop("vped")
    bed.hosts["gw2"].ip("link del vpe0")
    bed.expect("status of vped without a device", service.wait(), 1)
    bed.expect("and why", "vpe0 was taken away" in service.log_text(), True)
