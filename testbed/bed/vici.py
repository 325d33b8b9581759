"""charon's control protocol, as far as setting up tunnels quickly needs it: starting swanctl costs more than a set-up."""
import os
import socket
import struct

_REQUEST, _RESPONSE, _KEY_VALUE = 0, 1, 3


class Vici:
    """One connection; one request at a time."""

    def __init__(self, host):
        self._socket = socket.socket(socket.AF_UNIX)
        # the way through /proc is longer than a socket's address may be
        directory = os.open(f"/proc/{host.pid}/root/run", os.O_PATH)
        self._socket.connect(f"/proc/self/fd/{directory}/charon.vici")
        os.close(directory)

    def ask(self, command, **values):
        """Returns the answer's values on its top level."""
        body = bytes([_REQUEST, len(command)]) + command.encode()
        for key, value in values.items():
            text = str(value).encode()
            body += bytes([_KEY_VALUE, len(key)]) + key.encode() + struct.pack("!H", len(text)) + text
        self._socket.sendall(struct.pack("!I", len(body)) + body)
        answer = self._read(struct.unpack("!I", self._read(4))[0])
        if answer[0] != _RESPONSE:
            raise RuntimeError(f"charon does not know '{command}'")
        return _values(answer[1:])

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise RuntimeError("charon has closed the connection")
            data += part
        return data

    def close(self):
        self._socket.close()


def _values(message):
    values, at = {}, 0
    while at < len(message) and message[at] == _KEY_VALUE:
        end = at + 2 + message[at + 1]
        size = struct.unpack_from("!H", message, end)[0]
        values[message[at + 2:end].decode()] = message[end + 2:end + 2 + size].decode()
        at = end + 2 + size
    return values
