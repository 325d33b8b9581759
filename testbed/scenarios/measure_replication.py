"""Figures: from an event in the owner's charon to its context PUT into the standby's charon.

The events are CHILD_SA rekeys, begun by either side in turn: each changes the context several times (new SA, old one gone).
Both daemons say on level debug when a context passed, on a clock that all hosts here share; the end of its seal tells
which is which. A context that was overtaken by a newer one of the same IKE_SA before it could be PUT counts with that one:
until then the standby is behind. Variant: how many rekeys (40).
"""
import os
import re

from scenarios.context_move import Plugin

_LINE = re.compile(r"event=(context-reported|context-put) sa=\"[^\"]*\" seal=(\S+) since_ns=(\d+) at_ns=(\d+)")


def play(bed, rekeys="40"):
    os.environ["HASYNC_LOG"] = "debug"
    owner, standby = bed.make_whole()
    bed.initiate()
    bed.await_protected()
    for number in range(int(rekeys)):
        bed.hosts["peer" if number % 2 else owner].run("swanctl", "--rekey", "--child", "net",
                                                       env=bed.hosts["peer" if number % 2 else owner].vici_env)
        bed.pause(0.15)
    bed.pause(2)  # SAs that were replaced are deleted after a second
    bed.expect("children at the standby", Plugin(bed, standby)("list")["sas"][0]["children"], 1)
    samples = _times(bed, owner, standby)
    bed.facts["samples"] = samples
    bed.expect("contexts followed", len(samples["replication_ms"]), lambda count: count >= int(rekeys))


def _times(bed, owner, standby):
    """The whole way, and its parts: charon's report, the log, the PUT."""
    reported = [line[1:] for line in _trace(bed, owner) if line[0] == "context-reported"]
    put = {seal: (asked, done) for kind, seal, asked, done in _trace(bed, standby) if kind == "context-put"}
    samples = {key: [] for key in ("replication_ms", "replication_report_ms", "replication_log_ms", "replication_put_ms")}
    waiting = []
    for seal, hook, at in reported:
        waiting.append(hook)
        samples["replication_report_ms"].append((at - hook) / 1e6)
        if seal in put:
            asked, done = put[seal]
            samples["replication_log_ms"].append((asked - at) / 1e6)
            samples["replication_put_ms"].append((done - asked) / 1e6)
            samples["replication_ms"] += [(done - since) / 1e6 for since in waiting]
            waiting = []
    bed.expect("contexts that the standby never got", len(waiting), 0)
    return samples


def _trace(bed, name):
    with open(os.path.join(bed.hosts[name].directory, "hasyncd.log")) as file:
        return [(kind, seal, int(since), int(at)) for kind, seal, since, at in _LINE.findall(file.read())]
