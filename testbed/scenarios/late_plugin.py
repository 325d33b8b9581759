"""A tunnel that is older than charon's plugin: told of as unprotected, rekeyed, then protected, and it survives its gateway.

charon of gw1 runs alone at first, as on a gateway that is not clustered yet. The peer is unplugged while the plugin is loaded,
so that the rekey cannot be done before the status has been looked at.

A plugin made for another strongSwan was refused at charon's start: charon goes on without it, hasyncd lets none of its ESP leave.

gw2 lacks the connection when the tunnel's context reaches it: it says so, and takes the tunnel soon after the connection is loaded.
The peer notices nothing.

Variant told_all: without the plugin charon has told the peer of every address of the node. The peer roams while it cannot reach the
shared one, and asks at the others, also at the shared one of the hosts behind: nobody answers there, and the tunnel stays where another
gateway can take it over.
"""
import signal

from bed import services, story, topology
from bed.drop import dropping_to
from bed.vici import Vici
from bed.wait import until
from scenarios.context_move import log_of

_REFUSED = ('charon runs, but without the hasync plugin: hasyncd lets no ESP of its tunnels leave -> look for "hasync" in '
            "charon's log: the plugin is made for one version of strongSwan, and refuses others")
_LACKS = ('of what gw1 has, gw2 lacks connection "tunnel" -> give all gateways the same swanctl configuration, then swanctl --load-all '
          "on gw2")
_REFUSES = ("gw2's charon refuses 1 of 1 contexts: it could not carry their tunnels -> haipsec check there, and charon-refused in its log, "
            "tell why; it is asked again every 15 s")
_ASKED = 3  # times that the peer asks at another address before it can reach the shared one again


def play(bed, told=""):
    bed.charon_load["gw1"] = "hasync-other late"
    bed.start()
    bed.hold_vip("gw1")
    bed.start_charon(*topology.GATEWAYS, "peer")
    bed.capture("wan-peer")
    bed.initiate()
    if not told:
        expect_refused(bed)
    bed.start_corosync()
    bed.start_hasyncd("gw1", "witness")  # gw2 later: the owner is to be gw1
    if not told:
        expect_held_back(bed)

    bed.link_down("peer", "wan")
    bed.signal("gw1", "charon", signal.SIGUSR1)
    until("gw1 tells of a tunnel that it does not protect", lambda: (bed.status("gw1") or {}).get("unprotected") == 1)
    bed.expect("tunnels that gw1 lists", [tunnel["protected"] for tunnel in bed.tunnels("gw1")], [False])
    bed.await_log("gw1", "sa-unprotected")
    bed.start_hasyncd("gw2")
    bed.expect("owner before", bed.await_cluster()[0], "gw1")
    if told:
        bed.link_up("peer", "wan")
    else:
        lack_connection(bed)

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


def expect_refused(bed):
    lines = log_of(bed.host("gw1")).count("hasync: made for strongSwan 5.9.7, but this is another version: not loaded")
    bed.expect("refusals that charon has logged", lines, 1)
    bed.expect("pings answered all the same", answered(bed), 3)


def expect_held_back(bed):
    bed.expect("haipsec check says of charon", faults(bed, "gw1", "charon"), [_REFUSED])
    bed.expect("pings answered beside hasyncd", answered(bed), 0)


def lack_connection(bed):
    with Vici(bed.host("gw2")) as vici:
        vici.command("unload-conn", name="tunnel")
    before = bed.spis("peer")
    bed.link_up("peer", "wan")
    until("the plugin's rekeys are done", lambda: len(now := bed.spis("peer")) == 2 and not now & before)
    bed.await_log("gw2", "charon-refused", "NO_CONFIG")
    bed.expect("gw2 holds", held(bed), ["absent"])
    bed.expect("haipsec check says of connections", faults(bed, "gw1", "connections"), [_LACKS])
    for name in ("gw1", "witness"):
        bed.expect(f"haipsec check on {name} says of what is refused", faults(bed, name, "refused"), [_REFUSES])
    bed.stream(100)
    bed.await_stream(0)
    services.load_connections(bed, bed.host("gw2"))
    until("gw2 holds the tunnel", lambda: held(bed) == ["passive"])
    until("haipsec check on gw1 finds nothing refused", lambda: not faults(bed, "gw1", "refused"))
    for direction, seen in bed.stop_stream().items():
        bed.expect(f"{direction} lost meanwhile", seen["lost"], 0)


def held(bed):
    return [tunnel["here"] for tunnel in bed.tunnels("gw2")]


def faults(bed, name, item):
    return [f"{one['what']} -> {one['do']}" for one in story.findings(bed, name) if one["id"] == item and one["level"] != "ok"]


def answered(bed):
    return bed.host("server").run("ping", "-c", "3", "-i", "0.2", "-W", "2", bed.family.peer_inner, check=False).count("bytes from")


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
