"""Two gateways without a witness (docs/decisions/0008-two-nodes.md): one of them is powered off under traffic.

Variants: `standby_off`: the owner's tunnel does not lose one packet, and the other comes back. `owner_off`: nothing is taken over from
its silence; on the operator's word the other begins anew, the peer connects anew, and no number or nonce is used twice. `available`: both
live and do not see each other; the other takes over from silence, both own, and when they meet one does, whom the peer has connected to.
"""
from bed import story, topology
from bed.wait import until


def play(bed, event="standby_off"):
    bed.cluster = topology.GATEWAYS
    two_node = "available" if event == "available" else "safe"
    if two_node != bed.two_node:
        bed.raze()  # what the story before has started is configured otherwise
    bed.two_node = two_node
    owner, standby = story.begin(bed)
    {"standby_off": standby_off, "owner_off": owner_off, "available": available}[event](bed, owner, standby)


def standby_off(bed, owner, standby):
    bed.power_off(standby)
    alone(bed, owner, standby)
    bed.pause(3)
    bed.expect("owner after", bed.owner(owner), owner)
    for direction, seen in bed.stop_stream().items():
        bed.expect(f"{direction} lost", seen["lost"], 0)
    bed.make_whole()
    bed.await_protected()
    bed.stream(100 if bed.booted else 1000)
    story.end(bed, owner)


def owner_off(bed, owner, standby):
    bed.expect("taken on the operator's word while the other is seen", story.take_over(bed, standby), False)
    off = bed.power_off(owner)
    alone(bed, standby, owner)
    bed.pause(3)
    bed.expect("taken over from silence", bed.status(standby)["fence"]["open"], False)
    bed.expect("taken on the operator's word", story.take_over(bed, standby), True)
    bed.expect("owner after", bed.await_owner(standby), standby)
    story.connect_anew(bed, standby, off)
    judge(bed)


def available(bed, owner, standby):
    cut = bed.link_down(owner, "ring")
    bed.await_log(standby, "taken-from-silence", since=cut)
    bed.expect("owner by the other's word", bed.await_owner(standby), standby)
    bed.expect("owner by its own word", bed.owner(owner), owner)
    until("both may pass packets", lambda: all(bed.status(name)["fence"]["open"] for name in (owner, standby)))
    until("both say that both may be active",
          lambda: all("both may be active" in " ".join(bed.status(name)["warnings"]) for name in (owner, standby)))
    bed.expect("takeovers from silence", bed.status(standby)["counters"]["takeovers_from_silence"], 1)
    story.connect_anew(bed, standby, cut)
    bed.link_up(owner, "ring")
    bed.expect("owner when they see each other", bed.await_cluster()[0], standby)
    bed.await_protected()
    bed.pause(1)
    judge(bed)


def judge(bed):
    bed.pause(1)
    bed.stop_stream()
    seen = bed.check_captures()
    for key in ("duplicate_esp_sequence_numbers", "duplicate_nonces", "capture_dropped"):
        bed.expect(key, seen[key], 0)
    bed.expect("gateways and peer that sent on one SA", max(len({turn["sender"] for turn in sa["turns"]}) for sa in seen["sas"]), 1)
    bed.facts["reauthentications"] = seen["reauthentications"]


def alone(bed, name, other):
    """Until `name` sees the other in its ring no more."""
    def gone():
        members = {member["name"]: member for member in (bed.status(name) or {}).get("members", [])}
        return other in members and not members[other]["in_ring"]
    until(f"{name} is alone", gone)
