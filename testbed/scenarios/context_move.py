"""A tunnel is taken out of one charon and put into another, by hand: no hasyncd, only the charon plugin and its probe."""
import json
import os

from bed import topology
from bed.wait import until

JUMP = 65536


class Plugin:
    """One gateway's plugin, spoken to by hasync-probe."""

    def __init__(self, bed, name):
        self.host, self.probe = bed.host(name), bed.program("ctx-transfer/probe/hasync-probe")

    def __call__(self, *words, check=True):
        text = self.host.run(self.probe, "/run/charon.hasync", *words, check=check)
        return json.loads(text) if text.startswith("{") else text.strip()

    def sas(self):
        return {sa["sa"]: sa for sa in self("list")["sas"]}

    def only(self):
        (sa,) = self.sas().values()
        return sa


def move_vip(bed, source, target):
    bed.host(source).ip(f"addr del {topology.WAN_VIP}/32 dev wan0", f"addr del {topology.LAN_VIP}/32 dev lan0")
    bed.hold_vip(target)
    # what a gratuitous ARP would do
    for name, net in (("peer", "wan0"), ("server", "lan0")):
        bed.host(name).run("ip", "neigh", "flush", "dev", net)


def copy_context(bed, source, target):
    """Where a gateway's GET has written is another gateway's PUT."""
    with open(os.path.join(bed.host(source).directory, "context"), "rb") as file:
        context = file.read()
    path = os.path.join(bed.host(target).directory, "context")
    with open(path, "wb") as file:
        file.write(context)
    return path


def play(bed):
    bed.start("gw1", "gw2", "peer", "server")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    bed.capture("wan-peer")
    bed.initiate()
    one, two = Plugin(bed, "gw1"), Plugin(bed, "gw2")

    bed.stream(rate=100)
    bed.pause(1)
    sa = one.only()["sa"]
    got = one("get", sa, os.path.join(bed.host("gw1").directory, "context"))
    bed.say(f"GET took {got['took_us']:.0f} us")
    one("release", sa)
    bed.expect("SAs on gw1 after RELEASE", bed.host("gw1").run("ip", "xfrm", "state"), "")
    bed.expect("policies on gw1 after RELEASE", bed.host("gw1").run("ip", "xfrm", "policy").count("proto esp"), 0)
    move_vip(bed, "gw1", "gw2")
    put = two("put", copy_context(bed, "gw1", "gw2"), "active", str(JUMP))
    bed.say(f"PUT took {put['took_us']:.0f} us")
    bed.pause(1)
    print(bed.host("gw2").run("ip", "-s", "xfrm", "state"))
    bed.rekey_child("peer")
    bed.rekey_child("gw2")
    flow = bed.stop_stream()
    print(flow)
    print(bed.check_captures())
