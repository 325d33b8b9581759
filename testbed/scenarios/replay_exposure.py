"""The owner loses its power; what the peer had sent to it is sent to the new owner once more. No more of it is accepted than the new
owner states. It then rekeys the CHILD_SA by itself (`rekey.after_takeover_s`), and from there on nothing of it is accepted.
"""
from bed import network, pcap, story
from bed.drop import dropping_esp
from bed.wait import until
from scenarios.campaign import replay, stated_bound

_SPREAD = 3  # seconds
_RATE = 100


def play(bed):
    bed.hasyncd_extra = f"[rekey]\nafter_takeover_s = {_SPREAD}\n"
    owner, standby = story.begin(bed, stream=False)
    bed.stream(_RATE, 48)
    bed.pause(3)
    before = bed.spis("peer")
    with dropping_esp(network.port("wan", "peer")):
        heard = pcap.esp_frames(bed.captures[0], bed.peer_address)
        moment = bed.power_off(owner)
        bed.expect("owner after", bed.await_owner(standby), standby)
        bed.await_log(standby, "replay-exposure", since=moment)
        bound = bed.facts["replay_bound"] = stated_bound(bed, standby)
        replay(heard, standby)
    bed.expect("the bound in packets of a second", bound, lambda packets: 0 < packets < 1.5 * _RATE)
    bed.await_stream(moment)
    until("the new owner has rekeyed the CHILD_SA", lambda: not before & bed.spis("peer"), timeout=_SPREAD + 30)
    bed.await_log(standby, "replay-closed", since=moment)  # charon leaves the old SA in the kernel for some seconds
    kernel = bed.host(standby).run("ip", "xfrm", "state")
    bed.expect("SAs of before that its kernel has", [spi for spi in sorted(before) if f"spi 0x{spi}" in kernel], [])
    bed.expect("what is open", bed.status(standby)["replay"], {"bound": 0, "child_sas": 0})
    replay(heard, standby)
    bed.pause(1)
    flow = bed.stop_stream()
    bed.facts["replays_accepted"] = flow["outbound"]["duplicates"]
    bed.expect("replays accepted", bed.facts["replays_accepted"], lambda count: count <= bound)
    bed.expect_clean_captures(rekeys=1)
