"""The one description of the test network: which hosts there are, on which networks, with which addresses.

        peer ---- wan 192.0.2.0/24 ---- gw1, gw2 ---- lan 10.1.0.0/24 ---- server
                                          |
                       ring 10.77.0.0/24 +----- witness

Each network has both families: 192.0.2.N is 2001:db8:1::N as well, 10.1.0.N is 2001:db8:2::N, 10.77.0.N 2001:db8:3::N.

It is data only. network.py makes it real; services.py writes each daemon's configuration from it.
"""
from dataclasses import dataclass, field

WAN_VIP = "192.0.2.100"
LAN_VIP = "10.1.0.254"
PEER_ROAMED, PEER_ROAMED6 = "192.0.2.20", "2001:db8:1::20"  # where the peer goes when it roams
PEER_INNER = "10.2.0.1"
LOCAL_TS = "10.1.0.0/24"   # behind the gateways
REMOTE_TS = "10.2.0.0/24"  # behind the peer
WAN_VIP6, LAN_VIP6, PEER_INNER6 = "2001:db8:1::100", "2001:db8:2::254", "2001:db8:4::1"
LOCAL_TS6, REMOTE_TS6 = "2001:db8:2::/64", "2001:db8:4::/64"

NETWORKS = {"wan": "192.0.2", "lan": "10.1.0", "ring": "10.77.0"}
NETWORKS6 = {"wan": "2001:db8:1:", "lan": "2001:db8:2:", "ring": "2001:db8:3:"}


@dataclass(frozen=True)
class HostPlan:
    name: str
    number: int                      # last byte of its MAC addresses
    at: dict[str, int]               # network -> last byte of its address there
    gateway: bool = False
    node: int = 0                    # Corosync's nodeid; 0: not in the cluster
    routes: tuple[str, ...] = field(default=())
    inner: tuple[str, ...] = field(default=())  # addresses on lo

    def address(self, network: str) -> str:
        return f"{NETWORKS[network]}.{self.at[network]}"

    def address6(self, network: str) -> str:
        return f"{NETWORKS6[network]}:{self.at[network]}"

    def mac(self, network: str) -> str:
        return f"02:00:00:00:{list(NETWORKS).index(network) + 1:02x}:{self.number:02x}"


_TO_PEER = (f"{REMOTE_TS} via {NETWORKS['wan']}.10", f"{REMOTE_TS6} via {NETWORKS6['wan']}:10")

HOSTS = {
    plan.name: plan
    for plan in (
        HostPlan("gw1", 1, {"wan": 1, "lan": 1, "ring": 1}, gateway=True, node=1, routes=_TO_PEER),
        HostPlan("gw2", 2, {"wan": 2, "lan": 2, "ring": 2}, gateway=True, node=2, routes=_TO_PEER),
        HostPlan("witness", 3, {"ring": 3}, node=3),
        HostPlan("peer", 10, {"wan": 10}, inner=(PEER_INNER, PEER_INNER6),
                 routes=(f"{LOCAL_TS} via {WAN_VIP} src {PEER_INNER}", f"{LOCAL_TS6} via {WAN_VIP6} src {PEER_INNER6}")),
        HostPlan("server", 11, {"lan": 10}, routes=(f"default via {LAN_VIP}", f"default via {LAN_VIP6}")),
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
    commit_wait: int = 2000          # hasyncd's own default


NATIVE = Pace(token=65, retransmits=None, consensus=78, heartbeat=20, fence=80, silence=150, realtime=True)
BOOTED = Pace(token=400, retransmits=2, consensus=None, heartbeat=80, fence=320, silence=600, realtime=False)  # four times as slow
# Where others want the processors too, a booted kernel stands still for half a second now and then: ten times as slow.
SHARED = Pace(token=1000, retransmits=2, consensus=None, heartbeat=200, fence=800, silence=2200, realtime=False, lease=131072,
              commit_wait=4000)
