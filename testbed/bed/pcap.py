"""Frames of a recording of hasync-capture."""
import socket
import struct

ESP, UDP, IKE_NAT_T = 50, 17, 4500
_HEADER, _RECORD = 24, struct.Struct("<IIII")


def frames(path, whole=True):
    """Every frame, or every one that was kept whole, with its time (CLOCK_REALTIME, ns). The file may still be growing."""
    with open(path, "rb") as file:
        file.seek(_HEADER)
        while len(head := file.read(_RECORD.size)) == _RECORD.size:
            seconds, nanoseconds, kept, length = _RECORD.unpack(head)
            frame = file.read(kept)
            if len(frame) == kept and (kept == length or not whole):
                yield seconds * 10**9 + nanoseconds, frame


def is_ipv4(frame, protocol, source):
    return frame[12:14] == b"\x08\0" and frame[23] == protocol and socket.inet_ntoa(frame[26:30]) == source


def ike_messages(path, source):
    """IKE messages from this address to port 4500 (RFC 7296, section 2.23: behind four zero bytes)."""
    return [frame[46:] for _, frame in frames(path) if is_ipv4(frame, UDP, source)
            and struct.unpack_from("!H", frame, 36)[0] == IKE_NAT_T and frame[42:46] == bytes(4)]


def esp_times(path, peer):
    """When ESP packets passed, and whether they came from this address."""
    return [(at, socket.inet_ntoa(frame[26:30]) == peer) for at, frame in frames(path, whole=False)
            if frame[12:14] == b"\x08\0" and frame[23] == ESP]


def esp_frames(path, source):
    return [frame for _, frame in frames(path) if is_ipv4(frame, ESP, source)]


def esp_numbers(path, source):
    """When ESP packets passed, and their sequence numbers."""
    return [(at, struct.unpack_from("!I", frame, 38)[0]) for at, frame in frames(path) if is_ipv4(frame, ESP, source)]
