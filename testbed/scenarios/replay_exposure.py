"""The owner loses its power; what the peer had sent to it is sent to the new owner once more. No more of it is accepted than the new
owner states, and nothing that its kernel had been told of. It then rekeys the CHILD_SA by itself (`rekey.after_takeover_s`), and from
there on nothing of it is accepted.

What a bound may be depends on how long a takeover takes, and how evenly packets come. So it is judged by the recording of this run, not
by what a machine reaches that has nothing else to do.
"""
import time

from bed import network, pcap, story
from bed.drop import CREATE_CHILD_SA, dropping, dropping_esp
from bed.host import monotonic_ns
from bed.wait import until
from scenarios.campaign import mark, replay, stated_bound

_SPREAD = 3               # seconds
_RATE = 100
_LONG_ENOUGH = 3 * _RATE  # packets, before the owner goes
_WINDOW_NS = 10**8        # over which hasyncd measures a rate
_COUNTS = 2 * 5           # heartbeats: what a reading covers was counted at most so long before it
_SLACK = 0.1              # seconds, and the fence: what a bound allows for heartbeats under way, and bursts


def play(bed):
    bed.hasyncd_extra = f"[rekey]\nafter_takeover_s = {_SPREAD}\n"
    owner, standby = story.begin(bed, stream=False)
    bed.stream(_RATE, 48)
    before = bed.spis("peer")
    until("most of what the peer has sent is known to the standby's kernel", lambda: _mostly_known(bed, standby), timeout=60)
    cable = network.port("wan", "peer")
    rekey = dropping(bed.family, cable, CREATE_CHILD_SA, response=False, towards_host=True)
    with dropping_esp(bed.family, cable), rekey:  # which is not to be done before all is replayed
        moment = bed.power_off(owner)
        sent, known = _sent_and_known(bed, standby)
        bed.expect("owner after", bed.await_owner(standby), standby)
        opened = bed.await_log(standby, "replay-exposure", since=moment)
        bound = bed.facts["replay_bound"] = stated_bound(bed, standby)
        heard = pcap.esp_frames(bed.captures[0], bed.peer_address)[:len(sent)]
        replay(heard, standby)
    highest = bed.facts["highest_bound"] = _highest_bound(bed, sent, known, opened)
    bed.expect("the bound, by rate and time of this run", bound, lambda packets: 0 < packets <= highest)
    bed.await_stream(moment)
    until("the new owner has rekeyed the CHILD_SA", lambda: not before & bed.spis("peer"), timeout=_SPREAD + 30)
    bed.await_log(standby, "replay-closed", since=moment)  # charon leaves the old SA in the kernel for some seconds
    kernel = bed.host(standby).run("ip", "xfrm", "state")
    bed.expect("SAs of before that its kernel has", [spi for spi in sorted(before) if f"spi 0x{spi}" in kernel], [])
    bed.expect("what is open", bed.status(standby)["replay"], {"bound": 0, "child_sas": 0, "vpe_child_sas": 0})
    replay(heard, standby)
    bed.pause(1)
    flow = bed.stop_stream()
    accepted = flow["outbound"]["duplicates"]
    bed.expect("replays accepted", accepted, lambda count: count <= bound)
    bed.expect("of those that the kernel had been told of", max(0, accepted - sum(number > known for _, number in sent)), 0)
    bed.expect_clean_captures(rekeys=1)


def _sent_and_known(bed, standby):
    """When the peer has sent which number of its only outbound SA, and the highest of them that this kernel knows."""
    sent = pcap.esp_numbers(bed.captures[0], bed.peer_address)
    return [(at, number) for at, _, number in sent], mark(bed, standby, sent[-1][1]) if sent else 0


def _mostly_known(bed, standby):
    sent, known = _sent_and_known(bed, standby)
    return len(sent) > _LONG_ENOUGH and known > 2 * len(sent) // 3


def _highest_bound(bed, sent, known, opened):
    """What came while no reading covers it, if it all came as fast as anything ever did. Twice that, since hasyncd may have stood
    still between a count and a reading."""
    newest = next((at for at, number in sent if number == known), sent[0][0])
    most = max(sum(at <= other < at + _WINDOW_NS for other, _ in sent) for at, _ in sent)
    opened += time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns()
    uncovered = (opened - newest) / 1e9 + (_COUNTS * bed.pace.heartbeat + bed.pace.fence) / 1000 + _SLACK
    return round(2 * most * 1e9 / _WINDOW_NS * uncovered)
