"""What a campaign does to a cluster. Each fault has a beginning and an end; in between it is as it is for as long as it takes."""
import signal
from dataclasses import dataclass
from typing import Callable

from . import topology


@dataclass(frozen=True)
class Fault:
    name: str
    begin: Callable  # (bed, owner, standby); returns the moment
    end: Callable = lambda bed, owner, standby: None
    takes_over: bool = True
    costs: bool = False  # packets, perhaps; and whether another takes over is a matter of milliseconds


def _kill(name, service):
    return lambda bed, owner, standby: bed.signal(name or owner, service, signal.SIGKILL)


def _stop(*services):
    def begin(bed, owner, standby):
        return [bed.signal(owner, service, signal.SIGSTOP) for service in services][0]

    def end(bed, owner, standby):
        for service in services:
            bed.signal(owner, service, signal.SIGCONT)
    return begin, end


def _cut(*nets):
    def begin(bed, owner, standby):
        return [bed.link_down(owner, net) for net in nets][0]

    def end(bed, owner, standby):
        for net in nets:
            bed.link_up(owner, net)
    return begin, end


def _blink(service, milliseconds):
    """A process stands still for a moment."""
    def begin(bed, owner, standby):
        moment = bed.signal(owner, service, signal.SIGSTOP)
        bed.pause(milliseconds(bed.pace) / 1e3)
        bed.signal(owner, service, signal.SIGCONT)
        return moment
    return begin


def _standby_hangs(bed, owner, standby):
    return bed.signal(standby, "hasyncd", signal.SIGSTOP)


def _standby_wakes(bed, owner, standby):
    bed.signal(standby, "hasyncd", signal.SIGCONT)


TAKEOVERS = [
    Fault("power_off", lambda bed, owner, standby: bed.power_off(owner)),
    Fault("kill_hasyncd", _kill("", "hasyncd")),
    Fault("stop_hasyncd", *_stop("hasyncd")),
    Fault("cut_ring", *_cut("ring")),
    Fault("kill_corosync", _kill("", "corosync")),
    Fault("cut_all", *_cut(*topology.NETWORKS)),
    Fault("stop_node", *_stop("hasyncd", "corosync", "charon")),
    Fault("kill_charon", _kill("", "charon")),
    Fault("cut_wan", *_cut("wan")),
    Fault("stop_corosync", *_stop("corosync")),
    Fault("cut_data", *_cut("wan", "lan")),
    Fault("cut_lan", *_cut("lan")),
    Fault("leave", lambda bed, owner, standby: bed.stop(owner, "hasyncd")),
]
HARMLESS = [Fault(name, *does, takes_over=False) for name, *does in (
    ("standby_off", lambda bed, owner, standby: bed.power_off(standby)),
    ("blink_hasyncd", _blink("hasyncd", lambda pace: pace.fence // 3)),
    ("blink_charon", _blink("charon", lambda pace: pace.fence // 3)),
    ("witness_off", lambda bed, owner, standby: bed.power_off("witness")),
    ("blink_corosync", _blink("corosync", lambda pace: pace.token // 3)),
    ("standby_hangs", _standby_hangs, _standby_wakes),
    ("stop_charon", *_stop("charon")),
    ("kill_witness_corosync", _kill("witness", "corosync")),
    ("kill_standby_hasyncd", lambda bed, owner, standby: bed.signal(standby, "hasyncd", signal.SIGKILL)),
)]
# Longer than the fence, shorter than it takes the others to notice: the owner is silent for a moment.
HARMLESS.insert(1, Fault("lapse", _blink("hasyncd", lambda pace: (pace.fence + pace.silence) // 2), takes_over=False, costs=True))
