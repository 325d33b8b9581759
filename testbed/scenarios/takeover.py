"""Something happens to the owner under traffic: the standby takes over, once; no number and no nonce is used twice.

Variants: the events below. Each story ends with a CHILD_SA rekey from either side.
"""
import signal

from bed import story
from bed.wait import until
from bed.host import monotonic_ns


def power_off(bed, owner, standby):
    return bed.power_off(owner)


def clean_stop(bed, owner, standby):
    return bed.stop(owner, "hasyncd")


def kill_hasyncd(bed, owner, standby):
    return bed.signal(owner, "hasyncd", signal.SIGKILL)


def kill_corosync(bed, owner, standby):
    return bed.signal(owner, "corosync", signal.SIGKILL)


def kill_charon(bed, owner, standby):
    """charon comes back to a kernel that still has its predecessor's SAs, and is filled again."""
    moment = bed.signal(owner, "charon", signal.SIGKILL)
    bed.await_owner(standby)
    bed.start_charon(owner)
    bed.await_cluster()
    return moment


def wan_down(bed, owner, standby):
    return bed.link_down(owner, "wan")


def detached(bed, owner, standby):
    """Somebody removes the program that holds the owner back: it must not carry the address any longer."""
    moment = bed.detach_fence(owner)
    hasyncd = bed.host(owner).services["hasyncd"]
    until(f"hasyncd of {owner} has ended", lambda: not hasyncd.alive())
    bed.expect("ended with an error", hasyncd.process.returncode, 1)
    bed.expect("says why", "gate-detached" in hasyncd.log_text(), True)
    bed.expect("address withdrawn", bed.family.wan_vip in bed.host(owner).run("ip", "addr", "show", "wan0"), False)
    return moment


def hang_5s(bed, owner, standby):
    return hang(bed, owner, standby, 5)


def hang_30s(bed, owner, standby):
    return hang(bed, owner, standby, 30)


def hang(bed, owner, standby, seconds):
    """hasyncd stands still; the rest of the node does not. When it wakes up it must find that it is not the owner."""
    moment = bed.signal(owner, "hasyncd", signal.SIGSTOP)
    bed.await_owner(standby, seconds)
    bed.pause(seconds - (monotonic_ns() - moment) / 1e9)
    bed.signal(owner, "hasyncd", signal.SIGCONT)
    return moment


def come_back(bed, owner, standby):
    """Powered off, taken over, powered on again: it stands by, takes nothing back, and no tunnel is rekeyed for it."""
    moment = bed.power_off(owner)
    bed.await_owner(standby)
    bed.await_stream(moment)
    bed.power_on(owner)
    bed.start_corosync(owner)
    bed.start_charon(owner)
    bed.start_hasyncd(owner)
    bed.await_cluster()
    return moment


def clock_set(bed, owner, standby):
    """The time of day jumps an hour back, and then the owner loses its power: the takeover takes no longer for it."""
    bed.stop_stream()
    bed.step_clock(-3600)
    bed.stream(100)
    bed.pause(1)
    return bed.power_off(owner)


EVENTS = {event.__name__: event for event in (power_off, clean_stop, kill_hasyncd, kill_corosync, kill_charon, wan_down, detached,
                                              hang_5s, hang_30s, come_back, clock_set)}


def play(bed, event="power_off"):
    owner, standby = story.begin(bed)
    moment = EVENTS[event](bed, owner, standby)
    bed.expect("owner after", bed.await_owner(standby), standby)
    bed.await_stream(moment)
    story.end(bed, standby)
    bed.facts["owner_before"] = owner
    bed.expect("outage_ms", bed.facts["outage_ms"], lambda ms: ms < story.longest_outage(bed))
