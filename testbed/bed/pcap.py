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


def packet(frame):
    """(protocol, source, what is behind the IP header) of a frame; of one that is not IP, nothing. No options, no extensions."""
    if frame[12:14] == b"\x08\0":
        return frame[23], socket.inet_ntoa(frame[26:30]), frame[34:]
    if frame[12:14] == b"\x86\xdd":
        return frame[20], socket.inet_ntop(socket.AF_INET6, frame[22:38]), frame[54:]
    return None, None, b""


def summed(frame):
    """A UDP frame with its checksum: what a network card would have put in is not in a recording of the sender's."""
    addresses, udp = (slice(26, 34), 34) if frame[12:14] == b"\x08\0" else (slice(22, 54), 54)
    bare = frame[udp:udp + 6] + b"\0\0" + frame[udp + 8:]
    words = frame[addresses] + struct.pack("!HH", UDP, len(bare)) + bare + b"\0" * (len(bare) % 2)
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return frame[:udp + 6] + struct.pack("!H", ~total & 0xffff or 0xffff) + frame[udp + 8:]


def ike_messages(path, source):
    """IKE messages from this address to port 4500 (RFC 7296, section 2.23: behind four zero bytes)."""
    packets = [packet(frame) for _, frame in frames(path)]
    return [behind[12:] for protocol, address, behind in packets if (protocol, address) == (UDP, source)
            and struct.unpack_from("!H", behind, 2)[0] == IKE_NAT_T and behind[8:12] == bytes(4)]


def esp_times(path, peer):
    """When ESP packets passed, and whether they came from this address."""
    packets = [(at, packet(frame)) for at, frame in frames(path, whole=False)]
    return [(at, address == peer) for at, (protocol, address, _) in packets if protocol == ESP]


def _esp(path, source):
    for at, frame in frames(path):
        if packet(frame)[:2] == (ESP, source):
            yield at, frame


def esp_frames(path, source):
    return [frame for _, frame in _esp(path, source)]


def esp_number(frame):
    """SPI and sequence number."""
    return struct.unpack_from("!II", packet(frame)[2])


def esp_numbers(path, source):
    """When ESP packets passed, their SPIs and sequence numbers."""
    return [(at, *esp_number(frame)) for at, frame in _esp(path, source)]
