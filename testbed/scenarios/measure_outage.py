"""Figures: how long a stream through the tunnel is silent when the active gateway is powered off.

Variants: `hasyncd`, and `ha`: strongSwan's own plugin with ipt_CLUSTERIP, for the ratio of the two. Same topology, stream and
kernel. The ha plugin runs with its own defaults (heartbeat 1 s, timeout 2.1 s), one segment. It has no answer for the LAN
side of a stock kernel: the moment that it activates the segment, the testbed itself lets the server go to the other gateway.
Its outage towards the peer grows with the age of the tunnel (the survivor starts at number 0 and is ignored until it has
passed the numbers that the dead gateway used); here the tunnel has carried traffic for ten seconds. Silence at the server's
end knows nothing of that and is shown apart.
"""
import os

from bed import story, topology
from bed.netlink import set_neighbour
from bed.wait import until

_AGE = 10  # s of traffic before the power-off
_ACTIVATED = "HA segment 1 activated"


def play(bed, variant="hasyncd"):
    {"hasyncd": _hasyncd, "ha": _ha}[variant](bed)
    flow = bed.stop_stream()
    bed.facts["lost"] = {direction: seen["lost"] for direction, seen in flow.items()}
    silent = {direction: seen["longest_gap_ms"] for direction, seen in flow.items()}
    bed.facts["samples"] = {"outage_ms": [max(silent.values())], "outage_at_server_ms": [silent["outbound"]],
                            "outage_at_peer_ms": [silent["inbound"]]}


def _hasyncd(bed):
    owner, standby = story.begin(bed)
    bed.pause(_AGE - 1)
    bed.await_stream(bed.power_off(owner))
    bed.pause(1)


def _ha(bed):
    bed.start()
    for name, other in (("gw1", "gw2"), ("gw2", "gw1")):
        _prepare(bed, name, other)
    bed.start_charon("gw1")
    bed.hosts["gw1"].ip(f"addr add {topology.V4.lan_vip}/32 dev lan0")
    until("gw1 is the active gateway", lambda: _ACTIVATED in _log(bed, "gw1"))
    bed.start_charon("gw2", "peer")
    until("gw2 stands by", lambda: "resyncing HA segment 1" in _log(bed, "gw1"))
    bed.capture("wan-peer")
    bed.initiate()
    until("gw2 has the CHILD_SA", lambda: "installed HA CHILD_SA" in _log(bed, "gw2"))
    bed.stream(100)
    bed.pause(_AGE)
    before = _log(bed, "gw2").count(_ACTIVATED)
    moment = bed.power_off("gw1")
    until("gw2 is active", lambda: _log(bed, "gw2").count(_ACTIVATED) > before, every=0.01)
    bed.hosts["server"].within(lambda: set_neighbour("lan0", topology.V4.lan_vip, topology.HOSTS["gw2"].mac("lan")))
    bed.say("gw2 has activated the segment")
    bed.await_stream(moment)
    bed.pause(1)


def _prepare(bed, name, other):
    """The virtual address on both gateways, shared by the kernel's ipt_CLUSTERIP; the plugin between them."""
    host = bed.hosts[name]
    host.ip(f"addr add {topology.V4.wan_vip}/32 dev wan0")
    host.run("iptables-legacy", "-A", "INPUT", "-d", topology.V4.wan_vip, "-i", "wan0", "-j", "CLUSTERIP", "--new",
             "--hashmode", "sourceip", "--clustermac", "01:00:5e:00:01:64", "--total-nodes", "1", "--local-node", "1")
    bed.charon_load[name] = "ha"
    bed.charon_extra[name] = f"""\
  plugins {{
    ha {{
      local = {topology.HOSTS[name].address("ring")}
      remote = {topology.HOSTS[other].address("ring")}
      segment_count = 1
    }}
  }}
"""


def _log(bed, name):
    path = os.path.join(bed.hosts[name].directory, "charon.log")
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        return file.read()
