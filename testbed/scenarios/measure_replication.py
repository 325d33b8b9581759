"""Figures: from an event in the owner's charon to its context PUT into the standby's charon.

The events are CHILD_SA rekeys, begun by either side in turn: each changes the context several times (new SA, old one gone).
Both daemons say on level debug when a context passed, on a clock that all hosts here share; the end of its seal tells
which is which. A context that was overtaken by a newer one of the same IKE_SA before it could be PUT counts with that one:
until then the standby is behind. Variant: how many rekeys (40).
"""
import os
import re

from bed import topology
from scenarios.context_move import Plugin

_LINE = re.compile(r"event=(context-reported|context-put) sa=(\S+) seal=(\S+) hook_ns=(\d+) at_ns=(\d+)")


def play(bed, rekeys="40"):
    os.environ["HASYNC_LOG"] = "debug"
    bed.start()
    bed.start_corosync()
    bed.start_charon(*topology.GATEWAYS, "peer")
    bed.start_hasyncd()
    owner, standby = bed.await_cluster()
    bed.initiate()
    bed.await_protected()
    for number in range(int(rekeys)):
        bed.hosts["peer" if number % 2 else owner].run("swanctl", "--rekey", "--child", "net",
                                                       env=bed.hosts["peer" if number % 2 else owner].vici_env)
        bed.pause(0.15)
    bed.pause(2)  # SAs that were replaced are deleted after a second
    bed.expect("children at the standby", Plugin(bed, standby)("list")["sas"][0]["children"], 1)
    took, in_charon = _times(bed, owner, standby)
    bed.facts["samples"] = {"replication_ms": took, "replication_in_charon_ms": in_charon}
    bed.expect("contexts followed", len(took), lambda count: count >= int(rekeys))


def _times(bed, owner, standby):
    reported = [line for line in _trace(bed, owner) if line[0] == "context-reported"]
    put = {seal: at for kind, _, seal, _, at in _trace(bed, standby) if kind == "context-put"}
    took, waiting = [], []
    for _, _, seal, hook, _ in reported:
        waiting.append(hook)
        if seal in put:
            took += [(put[seal] - since) / 1e6 for since in waiting]
            waiting = []
    bed.expect("contexts that the standby never got", len(waiting), 0)
    return took, [(at - hook) / 1e6 for _, _, _, hook, at in reported]


def _trace(bed, name):
    with open(os.path.join(bed.hosts[name].directory, "hasyncd.log")) as file:
        return [(kind, sa, seal, int(hook), int(at)) for kind, sa, seal, hook, at in _LINE.findall(file.read())]
