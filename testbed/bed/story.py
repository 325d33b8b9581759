"""What the stories about a whole cluster have in common: how they begin, and what must be true at their end."""
import json

from . import control
from .vici import Vici


def begin(bed, stream=True):
    """Cluster, tunnel, stream in both directions. Returns the names of the owner and of the standby."""
    owner, standby = bed.make_whole()
    bed.capture("wan-peer")
    bed.already_up = bool(bed.spis("peer"))
    if not bed.already_up:
        bed.initiate()
    bed.await_protected()
    if stream:
        bed.stream(100 if bed.booted else 1000)
        bed.pause(1)
    return owner, standby


def end(bed, owner, rekeys=2):
    """The tunnel still works, rekeys from either side, and the wire shows that no invariant was broken. `rekeys`: how many
    exchanges the wire has to show, those two included; None: any number."""
    bed.pause(1)
    bed.rekey_child("peer")
    bed.rekey_child(owner)
    return judge(bed, rekeys)


def take_over(bed, name):
    """On the operator's word that the other gateway is off; whether hasyncd accepts it."""
    return control.ask(bed.hosts[name], "takeover", other_is_off=True) is not None


def connect_anew(bed, owner, since):
    """The peer gives its tunnel up, as its timers would have it do, and makes one with `owner`."""
    with Vici(bed.hosts["peer"]) as vici:
        vici.command("terminate", ike="tunnel", force="yes", timeout=-1)
    bed.initiate()
    bed.expect("tunnels that are new", bed.await_tunnels(owner, 1), 1)
    bed.await_stream(since)


def judge(bed, rekeys):
    """What both ends of the stream and the wire say about all that has happened."""
    bed.pause(1)
    flow = bed.stop_stream()
    seen = bed.expect_clean_captures(rekeys=rekeys)
    for direction, end_of in flow.items():
        bed.facts[direction] = {key: end_of[key] for key in ("sent", "received", "lost", "duplicates", "longest_gap_ms")}
        bed.facts[direction]["gaps"] = [{key: gap[key] for key in ("ms", "counter_before", "counter_after")}
                                        for gap in end_of["gaps"]]
        bed.expect(f"{direction} packets that came twice", end_of["duplicates"], 0)
    bed.facts["packets_lost"] = sum(end_of["lost"] for end_of in flow.values())
    bed.facts["outage_ms"] = max((end_of["longest_gap_ms"] for end_of in flow.values()), default=None)
    bed.facts["jumps"] = [jump for sa in seen["sas"] for jump in sa["jumps"]]
    return flow


def findings(bed, name):
    """What `haipsec check` on a host says."""
    text = bed.hosts[name].run(bed.program("haipsec/haipsec"), "check", "--json", "--config", f"{bed.hosts[name].directory}/hasyncd.toml",
                               check=False)
    return json.loads(text)["findings"]


def longest_outage(bed):
    """What a takeover may cost at most here (ms): detection, fence, and as much again for the work of it."""
    pace = bed.pace
    detection = pace.token + (pace.consensus or 1.2 * pace.token) + pace.silence
    return 2 * (detection + pace.fence) + (2000 if bed.booted else 200)
