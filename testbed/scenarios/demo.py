"""The story of `./dev demo`: a tunnel, a stream through it, its owner powered off, and how it goes on."""
import json
import os
import time

from bed import pcap, picture, story
from bed.host import monotonic_ns
from bed.wait import until

_BEFORE = 2 * 10**9  # ns of the story before the loss that the picture shows


def play(bed):
    bed.say(f"two gateways, a witness, a peer and a server; {'kernel ESP, booted' if bed.booted else 'this kernel'}")
    owner, standby = story.begin(bed)
    bed.facts["owner_before"] = owner
    bed.facts["get_ms"] = get_ms(bed, owner)
    bed.facts["put_ms"] = bed.status(standby)["counters"]["put_last_ns"] / 1e6
    bed.pause(2)

    off = bed.power_off(owner)
    gone = bed.await_log(standby, "epoch-installed", since=off)
    bed.say(f"{standby} and the witness agree that {owner} is gone ({(gone - off) / 1e6:.0f} ms)", gone)
    taken = bed.await_log(standby, "role-changed", "taking -> owner", since=off)
    bed.say(f"{standby} is the owner: the old one's permission has run out ({(taken - gone) / 1e6:.0f} ms)", taken)
    bed.await_stream(taken)
    bed.facts["detection_ms"] = (gone - off) / 1e6
    bed.facts["fence_ms"] = (taken - gone) / 1e6
    bed.facts["owner_after"] = bed.await_owner(standby)
    bed.expect("owner after", bed.facts["owner_after"], standby)
    bed.pause(2)
    until_ns = monotonic_ns()
    story.judge(bed, rekeys=0)  # nobody asks for one here
    offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns()  # of the recording's clock
    esp = pcap.esp_times(bed.captures[0], bed.peer_address)
    bed.facts["traffic"] = picture.traffic(esp, off + offset - _BEFORE, until_ns + offset, 100 if bed.booted else 20, bed.zero + offset)


def get_ms(bed, owner):
    """GET of the tunnel's context, time inside charon, as an operator would take it out."""
    host = bed.host(owner)
    (tunnel,) = bed.tunnels(owner)
    path, key = os.path.join(host.directory, "demo.context"), os.path.join(host.directory, "hasyncd.key")
    answer = until("GET of the tunnel's context", lambda: _get(bed, host, tunnel, path, key))
    return answer["get"]["plugin_us"] / 1e3


def _get(bed, host, tunnel, path, key):
    text = host.run(bed.program("haipsec/haipsec"), "--json", "get", tunnel["initiator_spi"], path, "--key", key, check=False)
    answer = json.loads(text)
    return answer if answer["ok"] else None
