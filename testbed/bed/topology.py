"""The one description of the test network: which hosts there are, on which networks, with which addresses.

        peer ---- wan 192.0.2.0/24 ---- gw1, gw2 ---- lan 10.1.0.0/24 ---- server
                                          |
                       ring 10.77.0.0/24 +----- witness

Each network has both families: 192.0.2.N is 2001:db8:1::N as well, 10.1.0.N is 2001:db8:2::N, 10.77.0.N 2001:db8:3::N.

It is data only. network.py makes it real; services.py writes each daemon's configuration from it.
"""
from dataclasses import dataclass, field

NETWORKS = ("wan", "lan", "ring")


@dataclass(frozen=True)
class Family:
    """IPv4 or IPv6. Every host has addresses of both; a story goes by one of them, outside and inside the tunnel and on the ring."""
    name: str
    networks: dict[str, str]  # what the addresses of a network begin with, up to the last separator
    bits: int                 # of a network's prefix
    host_bits: int
    protocol: str             # as tc names it
    match: str                # as its u32 does
    header: int               # octets
    tables: str               # the program of its packet filter
    wan_vip: str
    lan_vip: str
    peer_roamed: str          # where the peer goes when it roams
    peer_inner: str
    virtual: str              # what a peer is given that asks for an address
    local_ts: str             # behind the gateways
    remote_ts: str            # behind the peer

    @property
    def now(self) -> str:
        """What makes `ip addr add` give an address that can be used at once."""
        return " nodad" if self is V6 else ""

    def port(self, address: str, port: int) -> str:
        return f"[{address}]:{port}" if self is V6 else f"{address}:{port}"


V4 = Family("IPv4", {"wan": "192.0.2.", "lan": "10.1.0.", "ring": "10.77.0."}, bits=24, host_bits=32, protocol="ip", match="ip",
            header=20, tables="iptables-legacy", wan_vip="192.0.2.100", lan_vip="10.1.0.254", peer_roamed="192.0.2.20",
            peer_inner="10.2.0.1", virtual="10.3.0.7", local_ts="10.1.0.0/24", remote_ts="10.2.0.0/24")
V6 = Family("IPv6", {"wan": "2001:db8:1::", "lan": "2001:db8:2::", "ring": "2001:db8:3::"}, bits=64, host_bits=128, protocol="ipv6",
            match="ip6", header=40, tables="ip6tables-legacy", wan_vip="2001:db8:1::100", lan_vip="2001:db8:2::254",
            peer_roamed="2001:db8:1::20", peer_inner="2001:db8:4::1", virtual="2001:db8:5::7", local_ts="2001:db8:2::/64",
            remote_ts="2001:db8:4::/64")
FAMILIES = (V4, V6)
OTHER = {V4.name: V6, V6.name: V4}


@dataclass(frozen=True)
class HostPlan:
    name: str
    number: int                      # last byte of its MAC addresses
    at: dict[str, int]               # network -> last byte of its address there
    gateway: bool = False
    node: int = 0                    # Corosync's nodeid; 0: not in the cluster
    routes: tuple[str, ...] = field(default=())
    inner: tuple[str, ...] = field(default=())  # addresses on lo

    def address(self, network: str, family: Family = V4) -> str:
        return f"{family.networks[network]}{self.at[network]}"

    def mac(self, network: str) -> str:
        return f"02:00:00:00:{NETWORKS.index(network) + 1:02x}:{self.number:02x}"


def to_gateways(family: Family) -> str:
    """The peer's route to what is behind the gateways."""
    return f"{family.local_ts} via {family.wan_vip} src {family.peer_inner}"


_TO_PEER = tuple(f"{family.remote_ts} via {family.networks['wan']}10" for family in FAMILIES)

HOSTS = {
    plan.name: plan
    for plan in (
        HostPlan("gw1", 1, {"wan": 1, "lan": 1, "ring": 1}, gateway=True, node=1, routes=_TO_PEER),
        HostPlan("gw2", 2, {"wan": 2, "lan": 2, "ring": 2}, gateway=True, node=2, routes=_TO_PEER),
        HostPlan("witness", 3, {"ring": 3}, node=3),
        HostPlan("peer", 10, {"wan": 10}, inner=tuple(family.peer_inner for family in FAMILIES),
                 routes=tuple(map(to_gateways, FAMILIES))),
        HostPlan("server", 11, {"lan": 10}, routes=tuple(f"default via {family.lan_vip}" for family in FAMILIES)),
    )
}
GATEWAYS = [name for name, plan in HOSTS.items() if plan.gateway]
CLUSTER = [name for name, plan in HOSTS.items() if plan.node]


@dataclass(frozen=True)
class Pace:
    """How fast this kernel may be asked to notice things. Milliseconds."""
    token: int
    retransmits: int | None          # of the token before it counts as lost; None: every 31 ms
    consensus: int | None            # None: Corosync's own 1.2 x token
    heartbeat: int                   # hasyncd
    fence: int                       # hasyncd
    silence: int                     # hasyncd: evict a member after so long without a heartbeat
    realtime: bool                   # SCHED_RR and SCHED_FIFO are of use
    lease: int = 65536               # numbers; hasyncd's own default
    peak: int = 20000                # numbers a second; hasyncd's own default
    commit_wait: int = 2000          # hasyncd's own default


NATIVE = Pace(token=65, retransmits=None, consensus=78, heartbeat=20, fence=80, silence=150, realtime=True)
# Four times as slow; whoever is silent is evicted later still.
BOOTED = Pace(token=400, retransmits=2, consensus=None, heartbeat=80, fence=320, silence=900, realtime=False, peak=10000,
              commit_wait=2500)
# Where others want the processors too, a booted kernel stands still for half a second now and then: ten times as slow.
SHARED = Pace(token=1000, retransmits=2, consensus=None, heartbeat=200, fence=800, silence=2200, realtime=False, lease=131072, peak=10000,
              commit_wait=6000)
