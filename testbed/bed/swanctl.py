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
    outer: topology.Family = topology.V4  # between peer and gateways
    inner: topology.Family = topology.V4  # behind them
    between: bool = False                 # it carries what they say to each other, not what is behind them
    pool: str = ""                        # of virtual addresses for peers, instead of what is behind them
    dpd: int = 10                         # s; 0: none


def text(tunnel, gateway):
    local_ts = "dynamic" if tunnel.between else tunnel.inner.local_ts
    remote_ts = "dynamic" if tunnel.between or tunnel.pool else tunnel.inner.remote_ts
    me, you = ("gw", "peer") if gateway else ("peer", "gw")
    vip = tunnel.outer.wan_vip
    connection = [f"local_addrs = {vip if gateway else '%any'}", f"remote_addrs = {'%any' if gateway else vip}", *tunnel.connection]
    child = [f"local_ts = {local_ts if gateway else remote_ts}", f"remote_ts = {remote_ts if gateway else local_ts}", *tunnel.child]
    if tunnel.dpd:
        connection.append(f"dpd_delay = {tunnel.dpd}s")
        child.append(f"dpd_action = {'clear' if gateway else 'restart'}")
    if tunnel.pool:
        connection.append("pools = clients" if gateway else f"vips = {'::' if tunnel.inner is topology.V6 else '0.0.0.0'}")
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
