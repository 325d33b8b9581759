"""Drops chosen messages on a cable, at the switch: they left their sender, they never reach the other side.

An exchange that was begun stays half finished for as long as the story wants.
"""
import contextlib
import os
import re
import subprocess

from .pcap import ESP, UDP
from .wait import until

CREATE_CHILD_SA, INFORMATIONAL = 36, 37  # RFC 7296, section 3.1
_RESPONSE = 0x20                         # of the flags there
_MARKER_AT, _EXCHANGE_AT = 8, 8 + 4 + 18  # behind the IP header: UDP, and the marker of section 2.23


def _tc(*words):
    done = subprocess.run(["tc", *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tc {' '.join(words)}: {done.stderr}")
    return done.stdout


class Dropping:
    def __init__(self, where):
        self._where = where

    def await_one(self):
        """Returns when a message has been dropped."""
        until("a message is dropped", lambda: self.count() > 0)

    def count(self):
        return sum(map(int, re.findall(r"\(dropped (\d+),", _tc("-s", "filter", "show", *self._where))))


@contextlib.contextmanager
def _dropping(family, cable, towards_host, kind, *matches):
    """`kind`: 1 to 4; drops of different kinds may be there at once."""
    where = ("dev", cable, "egress" if towards_host else "ingress", "protocol", family.protocol, "prio", str(kind))
    if "clsact" not in _tc("qdisc", "show", "dev", cable):
        _tc("qdisc", "add", "dev", cable, "clsact")
    words = [word for match in matches for word in ("match", *match)]
    _tc("filter", "add", *where, "u32", *words, "action", "drop")
    try:
        yield Dropping(where)
    finally:
        if os.path.exists(f"/sys/class/net/{cable}"):  # a host that was powered off has taken its cable along
            _tc("filter", "del", *where)


def dropping(family, cable, exchange, response, towards_host):
    """Drops requests or responses of one IKE exchange type on this cable (NETWORK-HOST), towards its host or from it."""
    kind = exchange << 8 | (_RESPONSE if response else 0)
    return _dropping(family, cable, towards_host, 2 if response else 1, _protocol(family, UDP),
                     ("u32", "0", "0xffffffff", "at", str(family.header + _MARKER_AT)),
                     ("u16", hex(kind), hex(0xff00 | _RESPONSE), "at", str(family.header + _EXCHANGE_AT)))


def dropping_esp(family, cable):
    """Drops all ESP of this cable's host."""
    return _dropping(family, cable, False, 3, _protocol(family, ESP))


def dropping_to(family, cable, address):
    """Drops all that this cable's host sends to an address."""
    return _dropping(family, cable, False, 4, (family.match, "dst", f"{address}/{family.host_bits}"))


def _protocol(family, number):
    return family.match, "protocol", str(number), "0xff"
