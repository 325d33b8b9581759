"""Figures: GET and PUT of a tunnel with one CHILD_SA, inside the plugin and as a client sees them.

A context goes round between two charons as it does in a cluster: PUT passive (what a standby does), activate (what a new
owner does), GET, release, PUT passive at the other one. Every PUT installs keys and numbers anew.
Variant: how many rounds (100).
"""
from scenarios.context_move import Plugin

JUMP = 1024  # libipsec counts numbers up one by one: what a lease would cost here is not what the kernel's ESP costs


def play(bed, rounds="100"):
    bed.start("gw1", "gw2", "peer")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    bed.initiate()
    here, there = Plugin(bed, "gw1"), Plugin(bed, "gw2")
    samples = {}

    def book(what, reply):
        samples.setdefault(what + "_ms", []).append(reply["took_us"] / 1000)
        samples.setdefault(what + "_round_trip_ms", []).append(reply["round_trip_us"] / 1000)

    sa = here.only()
    for _ in range(int(rounds)):
        book("get", here.get(sa))
        here("release", sa)
        book("put", there.put_from(here, "passive", str(JUMP)))
        book("activate", there("state", "active", sa))
        here, there = there, here
    bed.expect("IKE_SAs at the end", len(here.sas()), 1)
    bed.facts["samples"] = samples
    bed.say(f"{rounds} rounds")
