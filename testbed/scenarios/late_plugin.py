"""A tunnel that is older than charon's plugin: told of as unprotected, rekeyed, then protected, and it survives its gateway.

charon of gw1 runs alone at first, as on a gateway that is not clustered yet. The peer is unplugged while the plugin is loaded,
so that the rekey cannot be done before the status has been looked at.
"""
import signal

from bed import story, topology
from bed.wait import until


def play(bed):
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
    moment = bed.power_off("gw1")
    bed.expect("owner after", bed.await_owner("gw2"), "gw2")
    bed.await_stream(moment)
    story.end(bed, "gw2", rekeys=4)  # two by the plugin: of the IKE_SA, then of the CHILD_SA
