"""Figures: what many tunnels cost. hasyncd, Corosync and the eBPF programs are real, charon is a stand-in.

join: from the start of a gateway's hasyncd until it could take over, its charon having all contexts; corosync runs already.
bytes: what the resident memory of each gateway's hasyncd grew by, for each tunnel; the larger of the two.
haipsec: how long the command takes on the owner: `status`, `nodes`, `show` and `check` to their end, `tunnels` to its first line and
to its end, with --json to its first bytes; and how often the owner fell silent meanwhile.
Variant: how many tunnels (1000), how many joins (5).
"""
import subprocess

from bed import services, synthetic
from bed.host import monotonic_ns
from bed.wait import until

_ASKED = 20  # times


def play(bed, sas="1000", joins="5"):
    sas = int(sas)
    samples = {"join_ms": [], "bytes_per_tunnel": []}
    owner, standby = gateways = synthetic.start(bed, sas)
    empty = {name: _resident(bed, name) for name in gateways}
    synthetic.fill(bed, owner, standby, sas)
    samples["bytes_per_tunnel"].append(max(_resident(bed, name) - empty[name] for name in gateways) / sas)
    _ask(bed, owner, samples)
    for _ in range(int(joins)):
        samples["join_ms"].append(_join(bed, owner, standby, sas))
    bed.facts["samples"] = samples


def _resident(bed, name):
    with open(f"/proc/{bed.hosts[name].services['hasyncd'].process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


def _ask(bed, owner, samples):
    def take(key, value):
        samples.setdefault(f"haipsec_{key}_ms", []).append(value)

    before = bed.hosts[owner].services["hasyncd"].log_text().count("-> lapsed")
    for _ in range(_ASKED):
        for words in (["status"], ["nodes"], ["show", f"{1:016x}"], ["check"]):
            take(words[0], _haipsec(bed, owner, *words)[1])
        first, end = _haipsec(bed, owner, "tunnels")
        take("tunnels_first", first)
        take("tunnels", end)
        take("tunnels_json_first", _haipsec(bed, owner, "tunnels", "--json")[0])
    lapses = bed.hosts[owner].services["hasyncd"].log_text().count("-> lapsed") - before
    samples["haipsec_lapses"] = [lapses]


def _haipsec(bed, name, *words):
    """Milliseconds until the first bytes, and until the end."""
    with bed.hosts[name].popen([bed.program("haipsec/haipsec"), *words], stdout=subprocess.PIPE) as asked:
        begun = monotonic_ns()
        asked.stdout.peek(1)
        first = monotonic_ns()
        asked.stdout.read()
    # What `check` finds on a machine of this testbed is no matter here.
    bed.expect(f"haipsec {words[0]}", asked.returncode in ((0, 4, 5) if words[0] == "check" else (0,)), True)
    return (first - begun) / 1e6, (monotonic_ns() - begun) / 1e6


def _join(bed, owner, standby, sas):
    bed.power_off(standby)
    bed.power_on(standby)
    bed.start_corosync(standby)
    services.standin(bed, bed.hosts[standby], sas)
    begun = monotonic_ns()
    bed.start_hasyncd(standby)
    until(f"{standby} could take over", lambda: _could_take_over(bed, owner, standby, sas), every=0.01)
    took = (monotonic_ns() - begun) / 1e6
    bed.say(f"{standby} has {sas} tunnels after {took:.0f} ms")
    return took


def _could_take_over(bed, owner, standby, sas):
    members = {member["name"]: member for member in (bed.status(owner) or {}).get("members", [])}
    joined = members.get(standby, {})
    return joined.get("in_epoch") and joined.get("ready") and (bed.status(standby) or {}).get("tunnels") == sas
