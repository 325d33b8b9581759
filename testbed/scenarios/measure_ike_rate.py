"""Figures: IKE_SAs with one CHILD_SA that a peer can set up with a gateway in a second.

Variants: `with` our plugin, corosync and hasyncd running on gateways and witness; `plugin`: with our plugin and one client that
takes every context, as hasyncd does, but no cluster; `without` any of them. The standby has no charon: what it would install
there is another machine's work. So is what corosync and hasyncd do on the other two machines, which here takes three times
its share of this one: the two charons have the first processor and the cluster the others, with it and without it.
`shared`, `shared_without`: everything on all processors.
The cheapest authentication and exchange (PSK, X25519) make the plugin's share as large as it can be.
What a set-up costs the gateway's charon in processor time is shown beside: it tells the plugin's share on a noisy machine as well.
Second variant word: how many (1500: some six seconds, so that neither the beginning nor a pause of the machine decides).
"""
import os

from bed import topology
from bed.host import monotonic_ns
from bed.vici import Vici
from scenarios.context_move import Plugin

_AT_ONCE = 32  # so many that a set-up which waits for the log leaves others for the processor: a rate, not a latency
_WARM_UP = 60
_ALONE = 60    # one by one
_AND_RETURN = -1
CHARON = """\
  dos_protection = no
  reuse_ikesa = no
  threads = 64
"""


def play(bed, variant="with", count="1500"):
    bed.charon_extra = {"gw1": CHARON, "peer": CHARON}
    bed.tunnel = bed.plain(connection=("encap = yes", "unique = never"), pool="10.3.0.0/16", dpd=0)
    bed.start()
    if variant in ("without", "shared_without", "plugin"):
        if variant != "plugin":
            bed.charon_load["gw1"] = ""
        bed.hold_vip("gw1")
        bed.start_charon("gw1", "peer")
        if variant == "plugin":
            Plugin(bed, "gw1").watch()
    else:
        bed.start_corosync()
        bed.start_charon("gw1", "peer")
        bed.start_hasyncd(*topology.CLUSTER)
        bed.expect("owner", bed.await_owner("gw1"), "gw1")
    if not variant.startswith("shared"):
        _keep_apart(bed)
    set_up(bed, _WARM_UP)
    begun, spent = monotonic_ns(), _processor_ns(bed)
    set_up(bed, int(count))
    took, spent = (monotonic_ns() - begun) / 1e9, _processor_ns(bed) - spent
    bed.say(f"{count} set-ups, {int(count) / took:.0f} a second")
    bed.facts["samples"] = {"ike_setups_per_s": [int(count) / took], "ike_charon_cpu_ms": [spent / 1e6 / int(count)],
                            "ike_setup_ms": _one_by_one(bed)}
    if variant in ("with", "shared"):
        total = int(count) + _WARM_UP + _ALONE
        bed.expect("tunnels in the log", bed.await_tunnels("gw1", total), total)


def _processor_ns(bed):
    """What all threads of the gateway's charon have run so far."""
    tasks = f"/proc/{bed.hosts['gw1'].services['charon'].process.pid}/task"
    total = 0
    for thread in os.listdir(tasks):
        with open(f"{tasks}/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def _one_by_one(bed):
    """How long each takes with nothing else going on: what output commit costs a peer that waits."""
    samples = []
    with Vici(bed.hosts["peer"]) as vici:
        for _ in range(_ALONE):
            begun = monotonic_ns()
            vici.ask("initiate", child="net", ike="tunnel", timeout=20000)
            samples.append((monotonic_ns() - begun) / 1e6)
    return samples


def _keep_apart(bed):
    """The IKE daemons and this program, which is the peer's, on the first processor; the cluster on the others."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {first})
    for host in bed.hosts.values():
        for name, service in host.services.items():
            for thread in os.listdir(f"/proc/{service.process.pid}/task"):
                os.sched_setaffinity(int(thread), {first} if name == "charon" else others)


def set_up(bed, count):
    """`count` tunnels, _AT_ONCE at a time: the next begins when one is up. Waiting for charon's events costs it much less than
    as many `initiate` that wait: each of these hears of everything that happens."""
    with Vici(bed.hosts["peer"]) as control, Vici(bed.hosts["peer"]) as events:
        events.hear("child-updown")
        begun = up = 0
        while up < count:
            while begun < min(count, up + _AT_ONCE):
                control.command("initiate", child="net", ike="tunnel", timeout=_AND_RETURN)
                begun += 1
            up += events.told(within_s=20).get("up") == "yes"
