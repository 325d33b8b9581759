"""A look at one cable, live: the first frame that fits, with the kernel's time of it."""
import select
import socket
import struct
import time

from .host import monotonic_ns

_ETH_P_ALL, _SO_TIMESTAMPNS = 3, 35
_ETHERTYPE_IPV4, _ESP, _UDP, _NAT_T = 0x0800, 50, 17, 4500


class Sniffer:
    """Listens from its making; `device` is the switch's end of a cable."""

    def __init__(self, device):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((device, 0))

    def first(self, fits, after, timeout):
        """When the first fitting frame after the moment `after` passed (CLOCK_MONOTONIC, ns); None: none came."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            if not select.select([self._socket], [], [], left)[0]:
                break
            frame, extras, _, _ = self._socket.recvmsg(256, 64)
            at = _moment(extras)
            if at > after and fits(frame):
                return at
        return None

    def close(self):
        self._socket.close()


def _moment(extras):
    seconds, nanoseconds = struct.unpack("=qq", extras[0][2][:16])
    return seconds * 10**9 + nanoseconds - (time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns())


def esp_from(mac):
    """Fits ESP, bare or in UDP (RFC 3948), that a host with this MAC address sent."""
    source = bytes.fromhex(mac.replace(":", ""))

    def fits(frame):
        if frame[6:12] != source or struct.unpack_from("!H", frame, 12)[0] != _ETHERTYPE_IPV4:
            return False
        body = 14 + 4 * (frame[14] & 15)
        if frame[23] == _ESP:
            return True
        return (frame[23] == _UDP and struct.unpack_from("!H", frame, body)[0] == _NAT_T
                and len(frame) > body + 16 and frame[body + 8:body + 12] != bytes(4))  # RFC 3948, section 2.2: IKE has a marker
    return fits
