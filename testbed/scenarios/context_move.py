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


def events(bed, name):
    with open(os.path.join(bed.host(name).directory, "watch.log")) as file:
        return [json.loads(line) for line in file if line.endswith("}\n")]


def watch(bed, name):
    host = bed.host(name)
    host.start("watch", bed.program("ctx-transfer/probe/hasync-probe"), "/run/charon.hasync", "watch")
    until(f"{name} has told what exists", lambda: any(e["event"] == "synced" for e in events(bed, name)))


def play(bed):
    bed.start("gw1", "gw2", "peer", "server")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    bed.capture("wan-peer")
    one, two = Plugin(bed, "gw1"), Plugin(bed, "gw2")
    watch(bed, "gw1")
    bed.initiate()
    bed.stream(rate=100)
    bed.pause(1)
    sa = one.only()["sa"]
    for i in range(3):
        got = one("get", sa, os.path.join(bed.host("gw1").directory, "context"))
        bed.say(f"GET took {got['took_us']:.0f} us")
        put = two("put", copy_context(bed, "gw1", "gw2"), "passive", str(JUMP))
        bed.say(f"PUT passive took {put['took_us']:.0f} us")
        if i == 0: bed.rekey_child("peer")
        bed.pause(2)
    if True:
        one("rekey", sa)
        bed.pause(1)
        print(one("list"))
        sa = one.only()["sa"]
        got = one("get", sa, os.path.join(bed.host("gw1").directory, "context"))
        put = two("put", copy_context(bed, "gw1", "gw2"), "passive", str(JUMP))
        print(two("list"))
    for e in events(bed, "gw1"): print(e)
    print(bed.host("gw2").run("ip", "xfrm", "state"))
    one("release", sa)
    move_vip(bed, "gw1", "gw2")
    print(two("state", "active", sa))
    bed.pause(1)
    bed.rekey_child("peer")
    bed.rekey_child("gw2")
    flow = bed.stop_stream()
    print(flow)
