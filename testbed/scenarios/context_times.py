"""How long GET and PUT of a tunnel with one CHILD_SA take inside the plugin: a context goes round between two charons."""
import statistics

from scenarios.context_move import Plugin

ROUNDS = 30
LIMIT_MS = 1.0


def play(bed):
    bed.start("gw1", "gw2", "peer")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    bed.initiate()
    here, there = Plugin(bed, "gw1"), Plugin(bed, "gw2")
    took = {"get_ms": [], "put_ms": [], "put_passive_ms": [], "activate_ms": []}
    sa = here.only()
    for _ in range(ROUNDS):
        took["get_ms"].append(here.get(sa)["took_us"] / 1000)
        here("release", sa)
        took["put_ms"].append(there.put_from(here, "active")["took_us"] / 1000)
        there("state", "passive", sa)
        took["put_passive_ms"].append(there.put_from(here, "passive")["took_us"] / 1000)
        took["activate_ms"].append(there("state", "active", sa)["took_us"] / 1000)
        here, there = there, here
    for what, values in took.items():
        bed.say(f"{what}: median {statistics.median(values):.3f}, largest {max(values):.3f}")
    for what in ("get_ms", "put_ms"):
        median = round(statistics.median(took[what]), 3)
        bed.expect(what, median, (lambda value: value < LIMIT_MS) if not bed.booted else (lambda value: value > 0))
