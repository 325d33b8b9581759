"""The owner's whole machine, its kernel included, stands still for five seconds and then goes on, as a paused virtual machine does.

What must hold: the other gateway takes over meanwhile; across the resume no number and no nonce leaves twice (I1). I2 and I3 are not
promised for `fence` and the time to notice after a resume, for a clock that stood still; here the clock goes on, so the
permission of the resumed owner has run out, and not one packet of it may follow the other's. Then it finds its place as a standby.

Played by testbed/frozen: gw1 is a booted machine of its own, `frozen_gateway`; everything else is here. Variant: the directory in
which they meet; whoever plays both stops gw1's machine when `freeze` appears there, and says `thawed` when it runs again.
"""
import json
import os

from bed import meeting, services, story
from bed.host import monotonic_ns
from bed.wait import until


def play(bed, directory):
    bed.start("gw2", "witness", "peer", "server")
    meeting.plug_wires()
    meeting.give_keys(bed, directory)
    for name in ("gw2", "witness"):
        services.corosync(bed, bed.hosts[name])
    bed.start_charon("gw2", "peer")
    meeting.await_event(directory, "gateway-is-up")
    until("corosync is quorate", lambda: services.members(bed.hosts["witness"]) == [1, 2, 3])
    bed.start_hasyncd("witness")
    until("gw1 is the owner", lambda: (bed.status("witness") or {}).get("owner") == 1)
    bed.start_hasyncd("gw2")
    until("gw2 is ready", lambda: is_ready(bed, "gw2"))
    bed.capture("wan-peer")
    bed.initiate()
    until("gw2 has the tunnel", lambda: bed.tunnels("gw2") and is_ready(bed, "gw2"))
    bed.stream(100)
    bed.pause(1)

    moment = monotonic_ns()
    meeting.tell(directory, "freeze")
    bed.expect("owner after", bed.await_owner("gw2"), "gw2")
    bed.await_stream(moment)
    meeting.await_event(directory, "thawed")
    bed.say("gw1's machine goes on")
    bed.pause(3)
    until("gw1 has found its place", lambda: all(member["in_epoch"] for member in bed.status("gw2")["members"]))
    bed.expect("owner at the end", bed.owner("gw2"), "gw2")
    story.end(bed, "gw2")
    with open(os.path.join(bed.evidence, "capture.json")) as file:
        seen = json.load(file)
    bed.expect("who said last that it owns", seen["owners"].get(bed.family.wan_vip), "gw2")
    bed.expect("packets of gw1 behind those of gw2", seen["two_owner_packets"], 0)
    meeting.tell(directory, "over")


def is_ready(bed, name):
    members = (bed.status("witness") or {}).get("members", [])
    return any(member["name"] == name and member["in_epoch"] and member["ready"] for member in members)
