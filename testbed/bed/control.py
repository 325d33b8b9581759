"""hasyncd's control socket (docs/control.md), as `haipsec` asks it: starting a program costs more than the question."""
import json
import socket

_PATIENCE = 2  # s; a hasyncd that is stopped answers nobody


def ask(host, command, **arguments):
    """The reply, or None while nobody gives one that is `ok`."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_PATIENCE)
        try:
            link.connect(f"/proc/{host.pid}/root/run/hasyncd/control.sock")
            link.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            with link.makefile() as lines:
                reply = json.loads(lines.readline() or "{}")
        except OSError:
            return None
    return reply if reply.get("ok") else None
