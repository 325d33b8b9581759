"""Figures: what the cluster takes for a fault while nothing is wrong but that every processor has more to do than it can.

Each processor is given two busy programs, of which one computes and one calls the kernel; one packet a millisecond passes the
gate meanwhile. Variant: how many minutes (2), and changes of the pace ("token=62").
"""
import os
import re
import subprocess

from bed import synthetic, topology

_ALARM = re.compile("event=(role-changed|epoch-installed)|A new membership")
_SOURCES = [(name, service) for name in topology.CLUSTER for service in ("hasyncd", "corosync")]
_BUSY = ("while :; do :; done", "exec dd if=/dev/zero of=/dev/null bs=64k")


def play(bed, minutes="2", *pace):
    synthetic.paced(bed, pace)
    owner, _ = synthetic.begin(bed, 1)
    busy = [subprocess.Popen(["sh", "-c", line], stderr=subprocess.DEVNULL) for line in _BUSY for _ in range(os.cpu_count())]
    before = {source: len(_alarms(bed, *source)) for source in _SOURCES}
    bed.pause(60 * float(minutes))
    seen = {source: _alarms(bed, *source)[before[source]:] for source in _SOURCES}
    for one in busy:
        one.kill()
        one.wait()
    bed.facts["samples"] = _count(seen)
    bed.facts["alarms"] = {" ".join(source): alarms for source, alarms in seen.items()}
    bed.expect("owners after", bed.await_cluster()[0] in topology.GATEWAYS, True)


def _count(seen):
    """Takeovers and lapses of both gateways; rings and epochs as told by whoever tells the most of them."""
    def told(what):
        return [sum(what in alarm for alarm in alarms) for alarms in seen.values()]
    return {"false_takeovers": [sum(told("-> taking"))], "false_lapses": [sum(told("-> lapsed"))],
            "false_rings": [max(told("A new membership"))], "false_epochs": [max(told("epoch-installed"))]}


def _alarms(bed, name, service):
    """Every change of role, epoch or ring that this host has told of."""
    with open(os.path.join(bed.hosts[name].directory, service + ".log")) as file:
        return [line.strip() for line in file if _ALARM.search(line)]
