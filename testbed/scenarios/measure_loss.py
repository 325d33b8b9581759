"""Figures: from the loss of the owner to the first ESP packet of the other gateway on its own WAN cable.

hasyncd, Corosync and the eBPF programs are real; ESP comes from a stand-in, a packet a millisecond, so no charon takes time.
The gateways take turns. detection: until the standby takes over by the log; fence: until the old permission has surely run
out. Variant: how many SAs are replicated (1), how many losses (25), changes of the pace ("token=62").
"""
from bed import network, synthetic, topology
from bed.sniffer import Sniffer, esp_from


def play(bed, sas="1", times="25", *pace):
    synthetic.paced(bed, pace)
    samples = {"outage_ms": [], "outage_detection_ms": [], "outage_fence_ms": []}
    synthetic.begin(bed, int(sas))
    bed.capture("wan-peer")
    lost = None
    for _ in range(int(times)):
        if lost:
            synthetic.come_back(bed, lost, int(sas))
        bed.pause(1)
        lost, standby = bed.await_cluster()  # where datagrams are lost the owner may be another by now
        _lose(bed, lost, standby, samples)
    seen = bed.check_captures()
    bed.expect("duplicate_esp_sequence_numbers", seen["duplicate_esp_sequence_numbers"], 0)
    bed.facts["samples"] = samples


def _lose(bed, owner, standby, samples):
    sniffer = Sniffer(network.port("wan", standby))
    moment = bed.power_off(owner)
    first = sniffer.first(esp_from(topology.HOSTS[standby].mac("wan")), moment, timeout=20)
    sniffer.close()
    if first is None:
        raise RuntimeError(f"no ESP packet of {standby} within 20 s of the loss of {owner}")
    bed.say(f"first ESP packet of {standby}, after {(first - moment) / 1e6:.1f} ms", first)
    taking = bed.await_log(standby, "role-changed", "-> taking: the old owner is gone", since=moment)
    opened = bed.await_log(standby, "role-changed", "-> owner", since=moment)
    samples["outage_ms"].append((first - moment) / 1e6)
    samples["outage_detection_ms"].append((taking - moment) / 1e6)
    samples["outage_fence_ms"].append((opened - taking) / 1e6)
