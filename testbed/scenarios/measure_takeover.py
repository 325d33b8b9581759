"""Figures: from the power-off of the owner to the first ESP frame of the other gateway on its own WAN cable.

The tunnel is a real one, with a stream of 1000 packets a second in both directions, so its frames come a millisecond apart.
The gateways take turns: who was powered off comes back as the standby and is the owner two rounds later.
detection: until the standby takes over by the log; fence: until the dead owner's permission has surely run out;
the rest is the way of the first packet. Variant: how many takeovers (12).
"""
import datetime
import os
import re
import time

from bed import network, story, topology
from bed.host import monotonic_ns
from bed.sniffer import Sniffer, esp_from

_LINE = re.compile(r"^(\S+)Z info event=role-changed text=\"\S+ -> (\S+): ([^\"]*)")


def play(bed, times="12"):
    samples = {"takeover_ms": [], "detection_ms": [], "fence_ms": [], "first_packet_ms": []}
    owner, standby = story.begin(bed)
    for number in range(int(times)):
        if number:
            _come_back(bed, standby)
            owner, standby = bed.await_cluster()
            bed.await_protected()
            bed.pause(1)
        _take_over(bed, owner, standby, samples)
        bed.expect("owner after", bed.await_owner(standby), standby)
        owner, standby = standby, owner
    bed.stop_stream()
    seen = bed.check_captures()
    for key in ("duplicate_esp_sequence_numbers", "reauthentications"):
        bed.expect(key, seen[key], 0)
    bed.facts["samples"] = samples


def _take_over(bed, owner, standby, samples):
    sniffer = Sniffer(network.port("wan", standby))
    moment = bed.power_off(owner)
    first = sniffer.first(esp_from(topology.HOSTS[standby].mac("wan")), moment, timeout=20)
    sniffer.close()
    if first is None:
        raise RuntimeError(f"no ESP frame of {standby} within 20 s of the power-off of {owner}")
    bed.say(f"first ESP frame of {standby}, after {(first - moment) / 1e6:.1f} ms", first)
    roles = {role: at for role, at, why in _roles(bed, standby, moment)}
    bed.expect("why", [why for role, _, why in _roles(bed, standby, moment) if role == "taking"], ["the old owner is gone"])
    for key, since, until in (("takeover_ms", moment, first), ("detection_ms", moment, roles["taking"]),
                              ("fence_ms", roles["taking"], roles["owner"]), ("first_packet_ms", roles["owner"], first)):
        samples[key].append((until - since) / 1e6)


def _come_back(bed, name):
    bed.power_on(name)
    bed.start_corosync(name)
    bed.start_charon(name)
    bed.start_hasyncd(name)


def _roles(bed, name, since):
    """Which role this node took when (CLOCK_MONOTONIC, ns), after `since`. Its log counts milliseconds."""
    offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns()
    with open(os.path.join(bed.hosts[name].directory, "hasyncd.log")) as file:
        for line in file:
            if found := _LINE.match(line):
                at = datetime.datetime.fromisoformat(found[1] + "+00:00").timestamp() * 1e9 - offset
                if at > since:
                    yield found[2], at, found[3]
