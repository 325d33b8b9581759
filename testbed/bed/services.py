"""How each daemon of a host is configured and started. """
import os
import re

from . import control, swanctl, topology, vici
from .wait import until

# A gateway's addresses come and go with its role; our plugin keeps charon from taking that for roaming, others do not.
_ROAM = """\
  plugins {
    kernel-netlink {
      roam_events = no
    }
  }"""

_PLUGINS = "random nonce openssl pem pkcs1 x509 revocation constraints pubkey hmac kdf gcm"


def charon(bed, host):
    """charon with the cluster's or the peer's configuration; on gateways with our plugin where it is built,
    or with what `bed.charon_load` names instead."""
    esp = "kernel-libipsec kernel-netlink" if bed.libipsec else "kernel-netlink"
    ours = bed.charon_load.get(host.name, "hasync" if host.plugins else "")
    first, last = {"gw1": ("0xc1000000", "0xc1ffffff"), "gw2": ("0xc2000000", "0xc2ffffff")}.get(
        host.name, ("0xd0000000", "0xdfffffff"))
    env = {"STRONGSWAN_CONF": host.write("strongswan.conf", f"""\
charon {{
  load = {_PLUGINS} {ours} {esp} socket-default vici updown
  spi_min = {first}
  spi_max = {last}
  ikesa_table_size = 4096
  ikesa_table_segments = 16
  install_routes = {"yes" if bed.libipsec else "no"}
  delete_rekeyed_delay = 1
  retransmit_tries = 7
  retransmit_timeout = 1.0
  filelog {{
    log {{
      path = {host.directory}/charon.log
      flush_line = yes
      time_format = %T
      time_add_ms = yes
      default = {os.environ.get("HASYNC_CHARON_LOG", "1")}
    }}
  }}
{_ROAM if host.plan.gateway and ours != "hasync" else ""}
{bed.charon_extra.get(host.name, "")}
}}
swanctl {{
  load = pem pkcs1 x509 pubkey openssl random
}}
""")}
    service = host.start("charon", "/usr/lib/ipsec/charon", env={**env, **bed.charon_env.get(host.name, {})})
    until(f"charon of {host.name} answers", lambda: vici.answers(host) or not service.alive())
    must_live(service, host)
    host.vici_env = env
    load_connections(bed, host)
    return service


def load_connections(bed, host):
    path = host.write("swanctl.conf", swanctl.text(bed.tunnel, host.plan.gateway))
    host.run("swanctl", "--load-all", "--file", path, env=host.vici_env)


def standin(bed, host, sas):
    """In charon's and the kernel's place: `sas` IKE_SAs when it is told to, ESP packets of the first one."""
    service = host.start("charon", bed.program("tests/support/hasync-standin"), "--socket", "/run/charon.hasync", "--sas", str(sas),
                         "--vip", bed.family.wan_vip, "--peer", bed.address("peer", "wan"))
    socket = f"/proc/{host.pid}/root/run/charon.hasync"
    until(f"the stand-in of {host.name} listens", lambda: os.path.exists(socket) or not service.alive())
    must_live(service, host)
    return service


def must_live(service, host):
    """A daemon that ended while it started says why in its log: that is what the reader of a failure needs."""
    if not service.alive():
        raise RuntimeError(f"{service.name} of {host.name} ended with {service.wait()}: {service.log_text()[-1000:]}")


def corosync(bed, host):
    pace, keyfile = bed.pace, host.write("ring.key", bed.ring_key)
    nodes = "\n".join(f"  node {{\n    nodeid: {plan.node}\n    name: {plan.name}\n    ring0_addr: {bed.address(plan.name, 'ring')}\n  }}"
                      for plan in (topology.HOSTS[name] for name in bed.cluster))
    times = [f"token_retransmits_before_loss_const: {pace.retransmits}"] if pace.retransmits else \
        ["token_retransmit: 31", "hold: 30"]
    times += [f"consensus: {pace.consensus}"] if pace.consensus else []
    times = "".join(f"  {line}\n" for line in times)
    config = host.write("corosync.conf", f"""\
totem {{
  version: 2
  cluster_name: testbed
  transport: knet
  crypto_model: openssl
  crypto_cipher: aes256
  crypto_hash: sha256
  keyfile: {keyfile}
  token: {pace.token}
  token_coefficient: 0
  join: 30
  seqno_unchanged_const: 3
{times}  interface {{
    linknumber: 0
    knet_ping_interval: 250
    knet_ping_timeout: 1000
    knet_pong_count: 1
  }}
}}
nodelist {{
{nodes}
}}
quorum {{
  provider: corosync_votequorum
{bed.quorum_device}}}
system {{
  sched_rr: {"yes" if pace.realtime else "no"}
  {"" if pace.realtime else "priority: 0"}
  allow_knet_handle_fallback: yes
}}
logging {{
  to_stderr: no
  to_syslog: no
  to_logfile: yes
  logfile: {host.directory}/corosync.log
  timestamp: hires
}}
""")
    log = f"{host.directory}/corosync.log"
    if os.path.exists(log):  # members() must not take an earlier run's word for this one's
        os.rename(log, log + ".before")
    return host.start("corosync", "/usr/sbin/corosync", "-f", "-c", config)


def members(host):
    """The nodeids of the last membership that this host's corosync logged, if it is quorate, else an empty list."""
    path = f"{host.directory}/corosync.log"
    if not os.path.exists(path):
        return []
    with open(path) as file:
        log = file.read()
    primary = log.rfind("within the primary component and will provide service") > log.rfind("within the non-primary component")
    table = re.findall(r"\[QUORUM\] Members\[\d+\]: ([\d ]+)", log)
    return sorted(int(number) for number in table[-1].split()) if primary and table else []


def hasyncd(bed, host):
    pace, plan = bed.pace, host.plan
    gateway_key, witness_key = bed.cluster_keys()
    key = host.write("hasyncd.key", gateway_key if plan.gateway else witness_key)
    state = os.path.join(host.directory, "state")  # a disk: it outlives a power-off
    os.makedirs(state, exist_ok=True)
    members = "\n".join(f'[[member]]\nid = {one.node}\nname = "{one.name}"\naddress = "{bed.address(one.name, "ring")}"\n'
                        for one in (topology.HOSTS[name] for name in bed.cluster))
    vips = "\n".join(f'[[vip]]\naddress = "{vip}/{family.bits}"\ninterface = "{interface}"\n' for family in topology.FAMILIES
                     for vip, interface in ((family.wan_vip, "wan0"), (family.lan_vip, "lan0")))
    config = host.write("hasyncd.toml", f"""\
[node]
id = {plan.node}
role = "{"gateway" if plan.gateway else "witness"}"

[cluster]
name = "testbed"
key_file = "{key}"
state_dir = "{state}"
two_node = "{bed.two_node}"

{members}
{vips if plan.gateway else ""}
[heartbeat]
interval_ms = {pace.heartbeat}
realtime = {"true" if pace.realtime else "false"}

[fence]
fence_ms = {pace.fence}
evict_after_ms = {pace.silence}

[lease]
size = {pace.lease}
peak = {pace.peak}

[output_commit]
mode = "{bed.commit_mode}"
wait_ms = {pace.commit_wait}

[log]
level = "{os.environ.get("HASYNC_LOG", "info")}"
{bed.hasyncd_extra}
""")
    service = host.start("hasyncd", bed.program("hasyncd/hasyncd"), "--config", config)
    until(f"hasyncd of {host.name} answers", lambda: control.ask(host, "status") or not service.alive())
    must_live(service, host)
    return service
