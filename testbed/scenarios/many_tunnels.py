"""More tunnels than a page of the control socket holds: all are listed, once.

hasyncd, Corosync and the eBPF programs are real, charon is a stand-in. Variant: how many (2000).
"""
import json

from bed import synthetic


def play(bed, count="2000"):
    count = int(count)
    owner, standby = synthetic.begin(bed, count, streaming=False)
    owned = _haipsec(bed, owner, "tunnels")
    bed.expect("tunnels listed", len({(one["initiator_spi"], one["responder_spi"]) for one in owned}), count)
    bed.expect("listed twice", len(owned) - count, 0)
    bed.expect("active there", len(_haipsec(bed, owner, "tunnels", "--state", "active")), count)
    bed.expect("passive there", _haipsec(bed, owner, "tunnels", "--state", "passive"), [])
    bed.expect("passive at the standby", len(_haipsec(bed, standby, "tunnels", "--state", "passive")), count)
    peer = bed.address("peer", "wan")
    bed.expect("of the peer", [one["initiator_spi"] for one in _haipsec(bed, owner, "tunnels", "--peer", peer)], [f"{1:016x}"])
    last = owned[-1]
    shown = json.loads(bed.hosts[owner].run(bed.program("haipsec/haipsec"), "show", last["initiator_spi"], "--json"))["tunnel"]
    bed.expect("the last one, shown", shown["initiator_spi"], last["initiator_spi"])
    lines = bed.hosts[owner].run(bed.program("haipsec/haipsec"), "tunnels").splitlines()
    bed.expect("lines of the table", len(lines), count + 1)


def _haipsec(bed, name, *words):
    return json.loads(bed.hosts[name].run(bed.program("haipsec/haipsec"), *words, "--json"))["tunnels"]
