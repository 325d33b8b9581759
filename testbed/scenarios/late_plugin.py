"""A tunnel that is older than charon's plugin: told of as unprotected, rekeyed, then protected, and it survives its gateway.

charon of gw1 runs alone at first, as on a gateway that is not clustered yet. The peer is unplugged while the plugin is loaded,
so that the rekey cannot be done before the status has been looked at.

Variant told_all: without the plugin charon has told the peer of every address of the node. The peer roams while it cannot reach the
shared one, and asks at the others, also at the shared one of the hosts behind: nobody answers there, and the tunnel stays where another
gateway can take it over.
"""
import signal

from bed import story, topology
from bed.drop import dropping_to
from bed.vici import Vici
from bed.wait import until
from scenarios.context_move import log_of

_ASKED = 3  # times that the peer asks at another address before it can reach the shared one again


def play(bed, told=""):
    bed.charon_load["gw1"] = "late"
    bed.start()
    bed.hold_vip("gw1")
    bed.start_charon(*topology.GATEWAYS, "peer")
    bed.capture("wan-peer")
    bed.initiate()
    bed.start_corosync()

    bed.link_down("peer", "wan")
    bed.signal("gw1", "charon", signal.SIGUSR1)
    bed.start_hasyncd("gw1", "witness")  # gw2 later: the owner is to be gw1
    until("gw1 tells of a tunnel that it does not protect", lambda: (bed.status("gw1") or {}).get("unprotected") == 1)
    bed.expect("tunnels that gw1 lists", [tunnel["protected"] for tunnel in bed.tunnels("gw1")], [False])
    bed.await_log("gw1", "sa-unprotected")
    bed.start_hasyncd("gw2")
    bed.expect("owner before", bed.await_cluster()[0], "gw1")
    bed.link_up("peer", "wan")

    bed.await_protected()
    bed.stream(100)
    bed.await_stream(0)
    bed.pause(1)
    if told == "told_all":
        roam_unheard(bed)
    moment = bed.power_off("gw1")
    bed.expect("owner after", bed.await_owner("gw2"), "gw2")
    bed.await_stream(moment)
    story.end(bed, "gw2", rekeys=4)  # two by the plugin: of the IKE_SA, then of the CHILD_SA


def roam_unheard(bed):
    own, inside = bed.address("gw1", "wan"), bed.family.lan_vip
    with dropping_to(bed.family, "wan-peer", bed.family.wan_vip):
        moment = bed.roam()
        for at in (own, inside):
            until(f"the peer asks at {at}", lambda to=at: _received(bed, "gw1", f"to {to}[4500]") >= _ASKED)
    bed.await_stream(moment)
    with Vici(bed.host("gw1")) as vici:
        bed.expect("where the tunnel is", [sa["local-host"] for sa in vici.sas()], [bed.family.wan_vip])
    bed.expect("answers from there", [_received(bed, "peer", f"from {at}[4500]") for at in (own, inside)], [0, 0])
    bed.await_protected()


def _received(bed, name, what):
    return sum("received packet: " in line and what in line for line in log_of(bed.host(name)).splitlines())
