"""The NAT in front of the peer gives it a new port, again and again, under traffic. No number leaves twice.

The gateway's charon follows by reading its SA, deleting it and adding it again with the number that it had read; packets that leave
meanwhile have numbers that are counted once more. The gate keeps the second ones back. charon takes its policies away for that long
where they are its own, so that hardly a packet finds the moment; here they are the operator's (`policies = no`, as in route-based
tunnels), and charon takes its time before it deletes. Then the owner is powered off: the standby knows the last port.
Variant: how many times (5).
"""
from bed import story, topology
from bed.nat import Nat

_FIRST_PORT = 40000
_REQID = "7"


def play(bed, times="5"):
    bed.charon_env = dict.fromkeys(topology.GATEWAYS, {"LD_PRELOAD": bed.program("tests/support/libslow-update.so")})
    bed.configure(bed.plain(connection=("encap = yes",), gateway_child=("policies = no", f"reqid = {_REQID}")))
    owner, standby = story.begin(bed, stream=False)
    for name in topology.GATEWAYS:
        add_policies(bed, bed.hosts[name])
    nat = Nat(bed.hosts["peer"])
    bed.stream(200 if bed.booted else 5000)
    for number in range(int(times)):
        nat.use(_FIRST_PORT + number)
        nat.await_known(bed.hosts[owner])
        bed.pause(0.2)
    bed.say(f"the peer had {times} ports, the last is {nat.outside}")
    bed.expect("numbers that the gate kept back", bed.status(owner)["counters"]["egress_repeated"], lambda count: count >= int(times))
    bed.await_protected()
    moment = bed.power_off(owner)
    bed.expect("owner after", bed.await_owner(standby), standby)
    bed.await_stream(moment)
    nat.await_known(bed.hosts[standby])
    story.end(bed, standby)


def add_policies(bed, host):
    here, there = (bed.family.local_ts, bed.family.wan_vip), (bed.family.remote_ts, bed.address("peer", "wan"))
    for direction, source, target in (("out", here, there), ("in", there, here), ("fwd", there, here)):
        host.run("ip", "xfrm", "policy", "add", "src", source[0], "dst", target[0], "dir", direction, "tmpl", "src", source[1],
                 "dst", target[1], "proto", "esp", "reqid", _REQID, "mode", "tunnel")
