"""A NAT in front of a host that gives its port 4500 another number outside, and forgets it when told to.

It keeps no state: two rules on the host's own cable, written over the port's two octets. Frames between hosts of the bed carry no
checksum yet, so none has to follow.
"""
from .wait import until

_PORT = 4500


class Nat:
    def __init__(self, host, interface="wan0"):
        self._host, self._interface = host, interface
        self._rules = 0
        self.outside = _PORT
        host.run("tc", "qdisc", "replace", "dev", interface, "clsact")

    def use(self, port):
        """From now on port 4500 is `port` outside. What comes to an earlier one arrives as well."""
        self._rules += 1
        self._rewrite("ingress", 22, port, _PORT)  # first: answers must find in
        self._rewrite("egress", 20, _PORT, port)
        self.outside = port

    def _rewrite(self, side, at, inside, outside):
        """`at`: of the port, from the beginning of an IPv4 header without options. A later rule goes before an earlier one."""
        self._host.run("tc", "filter", "add", "dev", self._interface, side, "protocol", "ip", "prio", str(1000 - self._rules), "u32",
                       "match", "ip", "protocol", "17", "0xff", "match", "u16", str(inside), "0xffff", "at", str(at),
                       "action", "pedit", "munge", "offset", str(at), "u16", "set", str(outside))

    def await_known(self, gateway):
        """Returns when the kernel of a gateway sends its ESP to the present port."""
        sign = f"dport {self.outside} "
        until(f"{gateway.name} knows port {self.outside}", lambda: sign in gateway.run("ip", "xfrm", "state"))
