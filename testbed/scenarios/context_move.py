"""A tunnel is taken out of one charon and put into another, by hand: no hasyncd, only the charon plugin and its probe."""
import json
import os
import random
import socket
import struct
from dataclasses import replace

from bed import network, pcap, topology
from bed.host import monotonic_ns
from bed.wait import until

JUMP = 65536
RATE = 100  # packets/s of the stream
IKE_HEADER = 28


class Plugin:
    """One gateway's plugin, spoken to by hasync-probe."""

    def __init__(self, bed, name):
        self.host, self.probe = bed.host(name), bed.program("ctx-transfer/probe/hasync-probe")
        self.context = os.path.join(self.host.directory, "context")

    def __call__(self, *words, check=True):
        text = self.host.run(self.probe, "/run/charon.hasync", *words, check=check)
        return json.loads(text) if text.startswith("{") else text.strip()

    def sas(self):
        return {sa["sa"]: sa for sa in self("list")["sas"]}

    def only(self):
        (sa,) = self.sas()
        return sa

    def get(self, sa):
        """The context stays in a file, for another gateway's PUT."""
        return self("get", sa, self.context)

    def put_from(self, other, *words, check=True):
        with open(other.context, "rb") as file:
            context = file.read()
        with open(self.context, "wb") as file:
            file.write(context)
        return self("put", self.context, *words, check=check)

    def raw(self):
        """A connection to the plugin without the client library."""
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(10)
        link.connect(f"/proc/{self.host.pid}/root/run/charon.hasync")
        return link

    def watch(self):
        self.host.start("watch", self.probe, "/run/charon.hasync", "watch")
        until(f"{self.host.name} has told what exists", lambda: self.events("synced"))

    def events(self, kind=None):
        with open(os.path.join(self.host.directory, "watch.log")) as file:
            events = [json.loads(line) for line in file if line.endswith("}\n")]
        return [event for event in events if kind in (None, event["event"])]

    def order(self, changed, gone):
        """Whether the first change of one IKE_SA was told before the end of the other."""
        told = [(event["event"], (event.get("context") or event).get("sa")) for event in self.events()]
        return told.index(("changed", changed)) < told.index(("gone", gone))


def log_of(host):
    with open(os.path.join(host.directory, "charon.log"), errors="replace") as file:
        return file.read()


def move_vip(bed, source, target):
    bed.drop_vip(source)
    bed.hold_vip(target)
    # what a gratuitous ARP would do
    for name, net in (("peer", "wan0"), ("server", "lan0")):
        bed.host(name).run("ip", "neigh", "flush", "dev", net)


def rekey_ike(bed, host):
    before = log_of(bed.host(host)).count("IKE_SA tunnel")
    bed.host(host).run("swanctl", "--rekey", "--ike", "tunnel", env=bed.host(host).vici_env)
    until(f"a new IKE_SA after a rekey by {host}",
          lambda: "rekeyed between" in log_of(bed.host(host))[-3000:] and log_of(bed.host(host)).count("IKE_SA tunnel") > before)
    bed.say(f"{host} rekeyed the IKE_SA")


def expect_flow(bed, what, away_ns):
    """Nothing is lost but while the tunnel was nowhere, and in the second after, in which an address is asked for again."""
    lost = RATE * (1 + away_ns / 1e9)
    for direction, seen in bed.stop_stream().items():
        bed.expect(f"{what}: {direction} duplicates", seen["duplicates"], 0)
        bed.expect(f"{what}: {direction} lost of {seen['sent']}", seen["lost"], lambda count: count <= lost)


def active(bed, one, two):
    """GET, RELEASE, PUT ACTIVE; then everything that an IKE_SA has to be able to do."""
    bed.stream(RATE)
    bed.pause(1)
    sa = one.only()
    got = one.get(sa)
    bed.say(f"GET took {got['took_us']:.0f} us")
    number = got["context"]["children"][0]["outbound_number"]
    bed.expect("outbound number seen by GET", number, lambda count: count > 50)
    away = monotonic_ns()
    one("release", sa)
    bed.expect("SAs on gw1 after RELEASE", bed.host("gw1").run("ip", "xfrm", "state"), "")
    bed.expect("ESP policies on gw1 after RELEASE", bed.host("gw1").run("ip", "xfrm", "policy").count("proto esp"), 0)
    put = two.put_from(one, "active", str(JUMP))
    bed.say(f"PUT took {put['took_us']:.0f} us")
    move_vip(bed, "gw1", "gw2")
    away = monotonic_ns() - away
    bed.expect("outbound number on gw2", two.get(sa)["context"]["children"][0]["outbound_number"],
               lambda count: count >= number + JUMP)
    bed.expect("a second PUT of an active IKE_SA", two.put_from(two, "active", check=False), lambda text: "active IKE_SA" in text)
    bed.pause(1)
    bed.rekey_child("peer")
    bed.rekey_child("gw2")
    rekey_ike(bed, "peer")
    rekey_ike(bed, "gw2")
    bed.rekey_child("peer")
    bed.pause(1)
    expect_flow(bed, "moved active", away)


def passive(bed, two, one):
    """A copy follows its original by events, then takes over."""
    two.watch()
    bed.stream(RATE)
    sa = two.only()

    def follow():
        two.get(two.only())
        one.put_from(two, "passive", str(JUMP))

    follow()
    bed.rekey_child("peer")
    until("the rekey is told", lambda: two.events("changed"))
    follow()
    bed.expect("children of the copy after a CHILD rekey", one.sas()[sa]["children"], lambda n: n in (1, 2))
    rekey_ike(bed, "peer")
    until("the end of the old IKE_SA is told", lambda: two.events("gone"))
    fresh = two.only()
    bed.expect("the new IKE_SA is told before the end of the old one", two.order(fresh, sa), True)
    follow()
    bed.expect("IKE_SAs of the copy", {sa: v["children"] for sa, v in one.sas().items()}, {fresh: 1, sa: 0})
    one("release", sa)
    bed.expect("a copy's SAs after its IKE_SA was replaced", len(bed.host("gw1").run("ip", "xfrm", "state").split("proto esp")), 3)
    away = monotonic_ns()
    two("release", fresh)
    released = until("the release is told", lambda: [e for e in two.events("gone") if e["sa"] == fresh])
    bed.expect("what is told of a RELEASE", released[0]["released"], True)
    one("state", "active", fresh)
    move_vip(bed, "gw2", "gw1")
    away = monotonic_ns() - away
    bed.pause(1)
    bed.rekey_child("gw1")
    bed.rekey_child("peer")
    rekey_ike(bed, "gw1")
    expect_flow(bed, "moved as a copy", away)


def request(number, tag, body):
    """A request with this id, of one field."""
    content = b"\x08" + bytes([number]) + bytes([tag << 3 | 2]) + varint(len(body)) + body
    return struct.pack(">I", len(content)) + content


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def answer(link):
    """One frame, or None if the plugin closed the connection."""
    head = link.recv(4, socket.MSG_WAITALL)
    return link.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL) if len(head) == 4 else None


def garbage(bed, one, two):
    """What the plugin must refuse without harm. gw2 holds nothing."""
    one.get(one.only())
    with open(one.context, "rb") as file:
        context = file.read()
    for what, frame in (("a frame that is too long", b"\xff\xff\xff\xff"), ("a frame cut off", b"\0\0\1\0abc")):
        link = two.raw()
        link.sendall(frame)
        link.shutdown(socket.SHUT_WR)
        bed.expect(what, answer(link), None)
    link = two.raw()
    for what, frame, text in (
            ("noise", struct.pack(">I", 3) + b"\xff\xff\xff", b"not a message"),
            ("nothing", struct.pack(">I", 0), b"none that is known"),
            ("a PUT without context", request(1, 6, b"\x10\x01"), b"context: missing"),
            ("a GET of nobody", request(1, 5, b"\x0a\x12" + b"\x09" + b"\1" * 8 + b"\x11" + b"\2" * 8), b"no such IKE_SA"),
            ("a newer major version", request(1, 6, b"\x0a\x02\x08\x02\x10\x01"), b"newer than 1")):
        link.sendall(frame)
        bed.expect(what, text in answer(link), True)
    dice = random.Random(1)
    for _ in range(300):
        bad = bytearray(context)
        for _ in range(dice.choice((1, 1, 2, 8))):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        if dice.random() < 0.2:
            del bad[dice.randrange(len(bad)):]
        link.sendall(request(1, 6, b"\x0a" + varint(len(bad)) + bytes(bad) + b"\x10\x02"))
        if answer(link) is None:
            link = two.raw()
    for sa in two.sas():
        two("release", sa)
    bed.expect("SAs on gw2 after 300 damaged PUTs and a RELEASE", bed.host("gw2").run("ip", "xfrm", "state"), "")
    bed.expect("ESP policies on gw2 likewise", bed.host("gw2").run("ip", "xfrm", "policy").count("proto esp"), 0)


def repeat_request(bed, payload):
    """The peer sends these bytes again, from charon's port."""
    kind = socket.AF_INET6 if bed.family is topology.V6 else socket.AF_INET

    def send():
        with socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
            if kind == socket.AF_INET6:
                raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_CHECKSUM, 6)  # by the kernel, where it belongs (RFC 8200, section 8.1)
            raw.bind((bed.address("peer", "wan"), 0))
            raw.sendto(struct.pack(">HHHHI", 4500, 4500, 12 + len(payload), 0, 0) + payload, (bed.family.wan_vip, 0))

    bed.host("peer").within(send)


def move(bed, source, target):
    sa = source.only()
    source.get(sa)
    source("release", sa)
    target.put_from(source, "active", str(JUMP))
    move_vip(bed, source.host.name, target.host.name)
    return sa


def repetitions(bed, one, two, recording):
    """A request of the peer that comes again after the move, and a request of ours that was under way at the move."""
    bed.rekey_child("peer")
    bed.stop_captures()
    sa = move(bed, one, two)
    spi = bytes.fromhex(sa.split(":")[0])
    requests = [p for p in pcap.ike_messages(recording, bed.address("peer", "wan")) if p[:8] == spi and not p[19] & 0x20]
    repeat_request(bed, max(requests, key=lambda p: p[20:24]))
    until("the repeated request is answered",
          lambda: "repeating the imported response" in log_of(two.host))
    bed.say("the repeated request is answered with the imported response")

    network.unplug("peer", "wan")
    sent = log_of(two.host).count("sending DPD request")
    until("gw2 checks its peer", lambda: log_of(two.host).count("sending DPD request") > sent)
    move(bed, two, one)
    network.plug("peer", "wan")
    until("the request under way is answered", lambda: "imported request with message ID" in log_of(one.host))
    bed.say("the request that was under way is answered")
    bed.rekey_child("gw1")
    bed.rekey_child("peer")


def play(bed, variant=""):
    """Variant esn: what numbers of 64 bits change; no more."""
    esn = variant == "esn"
    # With PFS. The peer checks nobody: what it asks between a GET and the RELEASE would be answered by one who is gone.
    bed.tunnel = replace(bed.tunnel, esp="aes128gcm16-x25519" + ("-esn" if esn else ""), dpd=0, gateway_connection=("dpd_delay = 10s",))
    bed.start("gw1", "gw2", "peer", "server")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    recording = bed.capture("wan-peer")
    bed.initiate()
    one, two = Plugin(bed, "gw1"), Plugin(bed, "gw2")

    if not esn:
        garbage(bed, one, two)
    active(bed, one, two)
    passive(bed, two, one)
    if not esn:
        repetitions(bed, one, two, recording)
    bed.expect("IKE_AUTH requests of the peer", log_of(bed.host("peer")).count("generating IKE_AUTH request"), 1)
