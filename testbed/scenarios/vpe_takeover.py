"""VPE in the cluster: both gateways send on one SA; one is lost, comes back, and is given the tunnel again.

Nothing is leased and nothing jumps: no number of any window is used twice or left out, and what the other gateway sends all arrives.
"""
import json
import sys

from bed import numbered, story, topology, vped
from bed.wait import until
from scenarios.campaign import replay

# charon's default, as vped sends on a new SA a second later; the testbed's is shorter
_NAMED = "delete_rekeyed_delay = 5\n  plugins {\n    hasync {\n      vpe = net\n    }\n  }"
_PORT = "7001"


def play(bed):
    bed.hosts["peer"].plugins = bed.hosts["gw1"].plugins
    bed.charon_extra = {name: _NAMED for name in ("gw1", "gw2", "peer")}
    bed.tunnel = bed.plain(child=("policies = no",), dpd=0)
    owner, standby = bed.make_whole()
    for name in topology.GATEWAYS:
        vped.start_for_charon(bed, name, bed.family.wan_vip, shared=True)
    vped.start_for_charon(bed, "peer", bed.address("peer", "wan"))
    for name in (*topology.GATEWAYS, "peer"):
        vped.send_singly(bed, name)
    bed.capture()
    bed.initiate()
    await_both(bed, (0, 0))
    no_lease(bed, owner)
    receiver = send_from_both(bed)
    bed.stream(100 if bed.booted else 1000, 48)  # small, so that a recording has it whole
    bed.pause(2)
    lost(bed, owner, standby)
    survivors_share(bed, received(bed, receiver), owner, standby)
    flow = bed.stop_stream()
    bed.facts["outage_ms"] = max(end["longest_gap_ms"] for end in flow.values())
    bed.expect("packets of the stream that came twice", sum(end["duplicates"] for end in flow.values()), 0)
    bed.expect("outage_ms", bed.facts["outage_ms"], lambda ms: ms < story.longest_outage(bed))
    back(bed, owner, standby)
    judge(bed)


def shares(bed):
    """(node, incarnation) of each gateway's vped on the only tunnel that it sends on."""
    out = []
    for name in topology.GATEWAYS:
        sends = [tunnel for tunnel in vped.told(bed, name)["tunnels"] if tunnel["sends"]] if bed.runs(name, "vped") else []
        out.append((sends[0]["node"], sends[0]["incarnation"]) if len(sends) == 1 else None)
    return out


def await_both(bed, incarnations):
    def both():
        now = shares(bed)
        return now if all(now) and tuple(one[1] for one in now) == incarnations else None
    now = until(f"both gateways send, as incarnations {incarnations}", both, timeout=30, every=0.2)
    bed.expect("their places are not the same", len({one[0] for one in now}), 2)


def no_lease(bed, owner):
    """What the operator is told: this tunnel has none."""
    (tunnel,) = bed.tunnels(owner)
    bed.expect("leases of the tunnel", tunnel["leases"], [])
    bed.expect("gateways that send", [len(child["nodes"]) for child in tunnel["vpe"]], [2])
    text = bed.hosts[owner].run(bed.program("haipsec/haipsec"), "show", "tunnel")
    bed.expect("haipsec says so", "VPE: no lease" in text, True)


def send_from_both(bed):
    """Each gateway sends numbered packets of its own to the peer; a stream that passes through the owner follows."""
    receiver = bed.hosts["peer"].start("receiver", sys.executable, numbered.__file__, "receive", _PORT)
    until("the receiver listens", lambda: f":{_PORT}" in bed.hosts["peer"].run("ss", "-Huln"))
    for name in topology.GATEWAYS:
        bed.hosts[name].start("sender", sys.executable, numbered.__file__, "send", bed.family.peer_inner, _PORT, "50")
    until("the peer has heard both", lambda: len(heard(bed)) == 2 and min(heard(bed).values()) > 60, timeout=60)
    return receiver


def heard(bed):
    """Up to which number the peer has heard each place."""
    tops = {}
    for tunnel in vped.told(bed, "peer")["tunnels"]:
        for window in tunnel["receiving_windows"]:
            tops[window["node"]] = max(tops.get(window["node"], 0), window["top"])
    return tops


def lost(bed, owner, standby):
    place = shares(bed)[topology.GATEWAYS.index(standby)][0]
    bed.expect("SAs of which a takeover would leave windows open", bed.status(standby)["replay"]["vpe_child_sas"], 1)
    moment = bed.power_off(owner)
    heard_by_it = vped.frames_from(bed.captures[-1], bed.peer_address)
    bed.expect("owner after", bed.await_owner(standby), standby)
    bed.await_stream(moment)
    replays_refused(bed, standby, heard_by_it)
    enough = heard(bed)[place] + 200
    until("the survivor is heard further", lambda: heard(bed)[place] > enough, timeout=60)
    bed.hosts[standby].services.pop("sender").process.kill()


def replays_refused(bed, owner, frames):
    """The peer goes on in fresh windows, under the same keys; from then on nothing of what it had sent to the lost one is taken."""
    keys = bed.spis("peer")
    until("the new owner says that nothing is open", lambda: bed.status(owner)["replay"]["vpe_child_sas"] == 0, timeout=30)
    bed.expect("CHILD_SAs are those of before", sorted(bed.spis("peer")), sorted(keys))
    bed.expect("packets that the lost one had been sent", len(frames), lambda count: count > 100)
    before = vped.drops(bed, owner).get("retired", 0)
    replay(frames, owner)
    until("each is refused", lambda: vped.drops(bed, owner).get("retired", 0) - before >= len(frames), timeout=30)


def received(bed, receiver):
    bed.pause(1)  # what is on its way
    bed.hosts["peer"].services.pop("receiver").process.terminate()
    receiver.wait()
    return json.loads(receiver.log_text())


def survivors_share(bed, came, owner, standby):
    """The loss of one sender costs the other one nothing."""
    mine, other = (came[bed.address(name, "lan")] for name in (standby, owner))
    bed.expect("packets of the survivor's that came", mine["came"], lambda count: count > 100)
    bed.expect("of the survivor's are missing", mine["missing"], 0)
    bed.facts["samples"] = {"survivor_missing": [mine["missing"]]}
    bed.expect("of the survivor's came twice", mine["twice"], 0)
    bed.expect("packets of the lost one's that came", other["came"], lambda count: count > 50)
    bed.expect("of the lost one's came twice", other["twice"], 0)


def back(bed, returned, owner):
    """It comes back with nothing, and sends as another incarnation; then the tunnel is moved to it."""
    bed.power_on(returned)
    bed.start_corosync(returned)
    bed.start_charon(returned)
    vped.start_for_charon(bed, returned, bed.family.wan_vip, shared=True)
    vped.send_singly(bed, returned)
    bed.start_hasyncd(returned)
    bed.await_cluster()
    await_both(bed, tuple(int(name == returned) for name in topology.GATEWAYS))
    bed.expect("answers through the one that returned", _pings(bed, returned), 5)
    bed.stream(100 if bed.booted else 1000)
    bed.hosts[owner].run(bed.program("haipsec/haipsec"), "migrate", "--to", returned)
    bed.expect("owner after the move", bed.await_owner(returned), returned)
    bed.pause(1)
    flow = bed.stop_stream()
    bed.expect("packets of the stream that came twice after the move", sum(end["duplicates"] for end in flow.values()), 0)
    bed.rekey_child("peer")
    await_both(bed, (0, 0))
    for name in topology.GATEWAYS:
        bed.expect(f"answers to {name} under the new key", _pings(bed, name), 5)


def _pings(bed, name):
    text = bed.hosts[name].run("ping", "-c", "5", "-i", "0.2", "-W", "2", bed.family.peer_inner, check=False)
    return text.count("bytes from")


def judge(bed):
    bed.pause(1)
    bed.stop_captures()
    seen = vped.windows(bed.captures[-1])
    packets = sum(len(numbers) for numbers in seen.values())
    bed.expect("packets of VPE", packets, lambda count: count > 1000)
    senders = {(window[0], vped.node_of(window), vped.incarnation_of(window)) for window in seen}
    bed.expect("senders, of all keys", len(senders), lambda count: count >= 6)
    duplicates, jump = vped.repeated(seen), vped.skipped(seen)
    bed.facts["samples"] |= {"takeover_duplicates": [duplicates], "takeover_jump": [jump]}
    bed.expect("numbers that left twice", duplicates, 0)
    bed.expect("numbers that were left out", jump, 0)
