"""The one swanctl.conf of the testbed: a tunnel between gateway and peer, and in which ways it may differ."""
from dataclasses import dataclass

from . import topology

SECRET = "testbed secret, shared by nobody else"


@dataclass(frozen=True)
class Tunnel:
    """What a scenario may want of the tunnel. Extra lines are statements of swanctl.conf, for both sides or one."""
    ike: str = "aes128gcm16-prfsha256-x25519"
    esp: str = "aes128gcm16"
    connection: tuple[str, ...] = ()
    child: tuple[str, ...] = ()
    gateway_connection: tuple[str, ...] = ()
    gateway_child: tuple[str, ...] = ()
    local_ts: str = topology.LOCAL_TS    # behind the gateways
    remote_ts: str = topology.REMOTE_TS  # behind the peer
    outer6: bool = False                 # IPv6 between peer and gateways
    pool: str = ""                       # of virtual addresses for peers, instead of what is behind them
    dpd: int = 10                        # s; 0: none


def text(tunnel, gateway):
    local_ts, remote_ts = ("dynamic" if side == "" else side for side in (tunnel.local_ts, "" if tunnel.pool else tunnel.remote_ts))
    me, you = ("gw", "peer") if gateway else ("peer", "gw")
    vip = topology.WAN_VIP6 if tunnel.outer6 else topology.WAN_VIP
    connection = [f"local_addrs = {vip if gateway else '%any'}", f"remote_addrs = {'%any' if gateway else vip}", *tunnel.connection]
    child = [f"local_ts = {local_ts if gateway else remote_ts}", f"remote_ts = {remote_ts if gateway else local_ts}", *tunnel.child]
    if tunnel.dpd:
        connection.append(f"dpd_delay = {tunnel.dpd}s")
        child.append(f"dpd_action = {'clear' if gateway else 'restart'}")
    if tunnel.pool:
        connection.append("pools = clients" if gateway else "vips = 0.0.0.0")
    if gateway:
        connection += tunnel.gateway_connection
        child += tunnel.gateway_child
    return f"""\
connections {{
  tunnel {{
    version = 2
    proposals = {tunnel.ike}
    rekey_time = 4h
    {_lines(connection, 4)}
    local {{
      auth = psk
      id = {me}
    }}
    remote {{
      auth = psk
      id = {you}
    }}
    children {{
      net {{
        esp_proposals = {tunnel.esp}
        rekey_time = 1h
        {_lines(child, 8)}
      }}
    }}
  }}
}}
{f"pools {{ clients {{ addrs = {tunnel.pool} }} }}" if tunnel.pool and gateway else ""}
secrets {{
  ike {{
    id-1 = gw
    id-2 = peer
    secret = "{SECRET}"
  }}
}}
"""


def _lines(statements, indent):
    return ("\n" + " " * indent).join(statements)
