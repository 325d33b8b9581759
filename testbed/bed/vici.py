"""charon's control protocol, as far as the testbed needs it: starting swanctl costs more than a tunnel's set-up."""
import os
import socket
import struct

_REQUEST, _RESPONSE, _REGISTER, _CONFIRM, _EVENT = 0, 1, 3, 5, 7
_SECTION, _SECTION_END, _KEY_VALUE, _LIST, _LIST_ITEM, _LIST_END = 1, 2, 3, 4, 5, 6


class Vici:
    """One connection; one request at a time."""

    def __init__(self, host):
        self._socket = socket.socket(socket.AF_UNIX)
        # the way through /proc is longer than a socket's address may be
        directory = os.open(f"/proc/{host.pid}/root/run", os.O_PATH)
        try:
            self._socket.connect(f"/proc/self/fd/{directory}/charon.vici")
        finally:
            os.close(directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def ask(self, command, **values):
        """The answer, sections as dictionaries."""
        return self._exchange(command, values)[0]

    def command(self, command, **values):
        """The same for what either succeeds or says why not."""
        answer = self.ask(command, **values)
        if answer.get("success") != "yes":
            raise RuntimeError(f"charon: {command} {values}: {answer.get('errmsg', answer)}")

    def hear(self, event):
        """From now on charon tells of these events; `told` has the next one."""
        self._send(_REGISTER, event, b"")
        if self._read()[0] != _CONFIRM:
            raise RuntimeError(f"charon does not tell of '{event}'")

    def told(self, within_s):
        """What the next event says. TimeoutError when there is none in time."""
        self._socket.settimeout(within_s)
        packet = self._read()
        return _message(packet, 2 + packet[1])[0]

    def sas(self):
        """The IKE_SAs, as `list-sas` tells them."""
        self.hear("list-sa")
        return [sa for event in self._exchange("list-sas", {})[1] for sa in event.values()]

    def _exchange(self, command, values):
        """The answer, and the events that came before it."""
        self._send(_REQUEST, command, b"".join(_key_value(key, str(value)) for key, value in values.items()))
        events = []
        while (packet := self._read())[0] == _EVENT:
            events.append(_message(packet, 2 + packet[1])[0])
        if packet[0] != _RESPONSE:
            raise RuntimeError(f"charon does not know '{command}'")
        return _message(packet, 1)[0], events

    def _send(self, kind, name, body):
        packet = bytes([kind, len(name)]) + name.encode() + body
        self._socket.sendall(struct.pack("!I", len(packet)) + packet)

    def _read(self):
        (size,) = struct.unpack("!I", self._read_exactly(4))
        return self._read_exactly(size)

    def _read_exactly(self, size):
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise RuntimeError("charon has closed the connection")
            data += part
        return data


def answers(host):
    """Whether charon can be asked; the socket of one that was killed is still there."""
    try:
        with Vici(host):
            return True
    except OSError:
        return False


def _key_value(key, value):
    return bytes([_KEY_VALUE, len(key)]) + key.encode() + struct.pack("!H", len(value.encode())) + value.encode()


def _name(packet, at):
    end = at + 1 + packet[at]
    return packet[at + 1:end].decode(), end


def _value(packet, at):
    (size,) = struct.unpack_from("!H", packet, at)
    return packet[at + 2:at + 2 + size].decode(), at + 2 + size


def _message(packet, at):
    """The elements of one section from here on, and where it ends."""
    values = {}
    while at < len(packet):
        kind, at = packet[at], at + 1
        if kind == _SECTION_END:
            break
        if kind == _LIST_ITEM:
            item, at = _value(packet, at)
            values[name].append(item)
        elif kind != _LIST_END:
            name, at = _name(packet, at)
            if kind == _SECTION:
                values[name], at = _message(packet, at)
            elif kind == _LIST:
                values[name] = []
            else:
                values[name], at = _value(packet, at)
    return values, at


def rekey(host, **what):
    """charon of that host begins it."""
    with Vici(host) as vici:
        vici.command("rekey", **what)
