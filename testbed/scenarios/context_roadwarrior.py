"""A client that was authenticated by EAP and was given a virtual IP keeps both when its tunnel moves, and after."""
from bed import topology
from scenarios.context_move import JUMP, Plugin, log_of, move_vip, rekey_ike

PLUGINS = "random nonce openssl pem pkcs1 x509 revocation constraints pubkey hmac kdf gcm md5 eap-identity eap-md5 " \
          "kernel-netlink socket-default vici updown"


def connection(bed, gateway):
    family = bed.family
    local = f"local_addrs = {family.wan_vip}\n    pools = clients" if gateway else \
        f"local_addrs = {bed.address('peer', 'wan')}\n    remote_addrs = {family.wan_vip}\n" \
        f"    vips = {'::' if family is topology.V6 else '0.0.0.0'}"
    psk, eap = "auth = psk\n      id = gw", "auth = eap-md5\n      eap_id = carol\n      id = laptop"
    if gateway:
        eap = "auth = eap-md5\n      eap_id = %any\n      id = laptop"
    return f"""\
connections {{
  tunnel {{
    version = 2
    {local}
    proposals = aes128gcm16-prfsha256-x25519
    local {{
      {psk if gateway else eap}
    }}
    remote {{
      {eap if gateway else psk}
    }}
    children {{
      net {{
        {"local_ts" if gateway else "remote_ts"} = {family.local_ts}
        esp_proposals = aes128gcm16-x25519
      }}
    }}
  }}
}}
pools {{
  clients {{
    addrs = {family.virtual}/{family.host_bits}
  }}
}}
secrets {{
  eap-carol {{
    id = carol
    secret = "a password of the testbed"
  }}
  ike-gw {{
    id = gw
    secret = "a secret of the testbed"
  }}
}}
"""


def load(bed, name):
    host = bed.host(name)
    path = host.write("roadwarrior.conf", connection(bed, host.plan.gateway))
    host.run("swanctl", "--load-all", "--clear", "--file", path, env=host.vici_env)


def expect_ping(bed, what):
    text = bed.host("peer").run("ping", "-c", "5", "-i", "0.2", "-I", bed.family.virtual, bed.address("server", "lan"),
                                check=False)
    bed.expect(f"{what}: answers to 5 pings", text.count("bytes from"), lambda count: count >= 4)


def play(bed):
    for name in ("gw1", "gw2", "peer"):
        bed.charon_extra[name] = f"  load = {'hasync ' if name != 'peer' else ''}{PLUGINS}\n  install_routes = yes\n"
    bed.start("gw1", "gw2", "peer", "server")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    for name in ("gw1", "gw2", "peer"):
        load(bed, name)
    for name in ("gw1", "gw2"):
        bed.host(name).run("ip", "route", "add", bed.family.virtual, "via", bed.address("peer", "wan"), check=False)
    bed.initiate()
    expect_ping(bed, "before the move")

    one, two = Plugin(bed, "gw1"), Plugin(bed, "gw2")
    sa = one.only()
    one.get(sa)
    two.put_from(one, "passive", str(JUMP))
    one.get(sa)
    two.put_from(one, "passive", str(JUMP))
    one("release", sa)
    two("state", "active", sa)
    move_vip(bed, "gw1", "gw2")
    expect_ping(bed, "after the move")
    listed = bed.host("gw2").run("swanctl", "--list-sas", env=bed.host("gw2").vici_env)
    for text in ("carol", bed.family.virtual):
        bed.expect(f"{text} in the list of SAs on gw2", text in listed, True)
    rekey_ike(bed, "gw2")
    rekey_ike(bed, "peer")
    bed.rekey_child("gw2")
    expect_ping(bed, "after rekeys")
    listed = bed.host("gw2").run("swanctl", "--list-sas", env=bed.host("gw2").vici_env)
    bed.expect("the virtual IP after rekeys", bed.family.virtual in listed, True)
    bed.expect("EAP exchanges of the client", log_of(bed.host("peer")).count("EAP method EAP_MD5 succeeded"), 1)
