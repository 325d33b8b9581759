"""Two gateways and a corosync-qnetd: its vote decides nothing here (docs/two-gateways.md), under traffic.

Variants: `ring_cut`: qnetd makes the gateway quorate that does not own; the owner loses no packet, the other stays silent. `qnetd_off`:
nothing happens. `qnetd_hangs`: and the ring is cut: Corosync waits for qnetd, with the log at rest, and the owner loses no packet.
`owner_off`: the survivor is quorate by qnetd's vote, and takes nothing over from silence.
"""
import json
import re
import signal

from bed import control, qnetd, story, topology
from bed.wait import until


def play(bed, event="ring_cut"):
    bed.cluster = topology.GATEWAYS
    bed.quorum_device = qnetd.section(bed)
    bed.start()
    if not bed.runs(qnetd.HOST, "qnetd"):
        qnetd.start_server(bed)
    story.begin(bed, stream=False)
    qnetd.start_devices(bed)
    owner, standby = loser_owns(bed)
    bed.stream(100 if bed.booted else 1000)
    bed.pause(1)
    {"ring_cut": ring_cut, "qnetd_off": qnetd_off, "qnetd_hangs": qnetd_hangs, "owner_off": owner_off}[event](bed, owner, standby)


def loser_owns(bed):
    """Of halves qnetd chooses the one with the lowest node: the other gateway is to own. Where the ring comes and goes for want of
    processor, the move may be undone before both stand."""
    chosen, owner = bed.cluster
    while (roles := bed.await_cluster())[0] != owner:
        control.ask(bed.hosts[chosen], "migrate", to=owner)
        bed.await_owner(owner)
    return roles


def ring_cut(bed, owner, standby):
    cut = bed.link_down(owner, "ring")
    qnetd.await_votes(bed, standby, 2)
    qnetd.await_votes(bed, owner, 1)
    bed.expect("of qnetd, haipsec check says", [seen(bed, name) for name in (owner, standby)], ["has no vote", "has qnetd's vote"])
    bed.expect("quorate: owner, the other", [qnetd.is_quorate(bed, name) for name in (owner, standby)], [False, True])
    goes_on(bed, owner, standby, cut)
    bed.link_up(owner, "ring")
    bed.expect("owner when they meet", bed.await_cluster(), (owner, standby))
    nothing_lost(bed)


def qnetd_off(bed, owner, standby):
    bed.signal(qnetd.HOST, "qnetd", signal.SIGKILL)
    for name in bed.cluster:
        qnetd.await_votes(bed, name, 2)
    bed.pause(1)
    bed.expect("owner and standby", bed.await_cluster(), (owner, standby))
    nothing_lost(bed)


def qnetd_hangs(bed, owner, standby):
    bed.signal(qnetd.HOST, "qnetd", signal.SIGSTOP)
    cut = bed.link_down(owner, "ring")
    goes_on(bed, owner, standby, cut)
    bed.signal(qnetd.HOST, "qnetd", signal.SIGCONT)
    bed.link_up(owner, "ring")
    bed.expect("owner when they meet", bed.await_cluster(), (owner, standby))
    nothing_lost(bed)


def owner_off(bed, owner, standby):
    off = bed.power_off(owner)
    until(f"{standby} is quorate, by qnetd's vote", lambda: qnetd.votes(bed, standby) == 2 and qnetd.is_quorate(bed, standby))
    bed.say(f"{standby} is quorate")
    bed.pause(3)
    bed.expect("taken over from silence", bed.status(standby)["fence"]["open"], False)
    bed.expect("taken on the operator's word", story.take_over(bed, standby), True)
    bed.expect("owner after", bed.await_owner(standby), standby)
    story.connect_anew(bed, standby, off)
    bed.stop_stream()


def seen(bed, name):
    """What `haipsec check` tells of corosync-qdevice."""
    words = re.search(r"Here corosync-qdevice ([^:\"]+)", json.dumps(story.findings(bed, name)))
    return words and words.group(1)


def goes_on(bed, owner, standby, cut):
    """The owner, alone: in an epoch of its own as soon as the ring is agreed. The other passes nothing."""
    alone = bed.await_log(owner, "epoch-installed", "with 1 members", since=cut, timeout=60)
    bed.facts["log_at_rest_ms"] = round((alone - cut) / 1e6)
    bed.pause(1)
    bed.expect("fences open", [bed.status(name)["fence"]["open"] for name in (owner, standby)], [True, False])


def nothing_lost(bed):
    for direction, seen in bed.stop_stream().items():
        bed.expect(f"{direction} lost", seen["lost"], 0)
