"""Nothing happens: a tunnel carries a stream beside a cluster of three; no membership changes, no packet is lost.

Variants: seconds (10), Corosync's token in ms (that of the topology), packets/s each way (200). It measures how fast
a detection the kernel at hand can bear.
"""
import dataclasses
import re


def play(bed, seconds="10", token=None, rate="200"):
    if token:
        bed.pace = dataclasses.replace(bed.pace, token=int(token))
    bed.start()
    bed.start_corosync()
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "peer")
    bed.capture("wan-peer")
    bed.initiate()
    before = {name: _changes(bed, name) for name in ("gw1", "gw2", "witness")}
    bed.stream(int(rate))
    bed.pause(float(seconds))
    flow = bed.stop_stream()
    for name, count in before.items():
        bed.expect(f"membership changes on {name}", _changes(bed, name) - count, 0)
    for direction, seen in flow.items():
        bed.expect(f"{direction} lost", seen["lost"], 0)
        bed.facts[f"{direction} longest_gap_ms"] = seen["longest_gap_ms"]
    bed.expect_clean_captures(rekeys=0)


def _changes(bed, name):
    with open(f"{bed.hosts[name].directory}/corosync.log") as log:
        return len(re.findall("A new membership", log.read()))
