"""Something happens to a node that is not the owner: the owner's tunnel does not lose one packet.

Variants: the events below. The ring stands still for a while in each of them; the owner must not.
"""
import re
import signal

from bed import story
from bed.wait import until


def standby_off(bed, standby):
    bed.power_off(standby)


def witness_off(bed, standby):
    bed.power_off("witness")


def standby_corosync(bed, standby):
    bed.signal(standby, "corosync", signal.SIGKILL)


def witness_corosync(bed, standby):
    bed.signal("witness", "corosync", signal.SIGKILL)


def standby_hangs(bed, standby):
    bed.signal(standby, "hasyncd", signal.SIGSTOP)
    bed.pause(5)
    bed.signal(standby, "hasyncd", signal.SIGCONT)


def clock_set(bed, standby):
    """The time of day of all hosts jumps, ahead and back, and is right again only when hasyncd has looked at it."""
    gateways = {name: bed.status(name)["counters"]["clock_steps"] for name in ("gw1", "gw2")}
    for seconds in (3600, -7200):
        bed.step_clock(seconds)
        bed.pause(2)
    for name, before in gateways.items():
        until(f"{name} tells that its clock was set", lambda n=name, b=before: bed.status(n)["counters"]["clock_steps"] > b)
        bed.expect(f"{name} has logged by how much", logged_steps(bed, name), lambda steps: any(abs(step) > 3_000_000 for step in steps))
    bed.step_clock(3600)
    return doctor_says


def logged_steps(bed, name):
    log = bed.hosts[name].services["hasyncd"].log_text()
    return [int(ms) for ms in re.findall(r"event=clock-stepped by_ms=(-?\d+)", log)]


def doctor_says(bed):
    """At the end: in a booted kernel it takes its time, and the cluster's."""
    for name in ("gw1", "gw2"):
        bed.expect(f"haipsec check on {name} says of the clock", levels(bed, name, "clock-steps"), ["warning"])


def levels(bed, name, item):
    return [one["level"] for one in story.findings(bed, name) if one["id"] == item]


EVENTS = {event.__name__: event for event in (standby_off, witness_off, standby_corosync, witness_corosync,
                                              standby_hangs, clock_set)}


def play(bed, event="standby_off"):
    owner, standby = story.begin(bed)
    afterwards = EVENTS[event](bed, standby)
    bed.pause(5)  # detection, a new ring, a new epoch: all of it under traffic
    bed.expect("owner after", bed.owner(owner), owner)
    flow = bed.stop_stream()
    for direction, seen in flow.items():
        bed.expect(f"{direction} lost", seen["lost"], 0)
    bed.stream(100 if bed.booted else 1000)
    story.end(bed, owner)
    if afterwards:
        afterwards(bed)
