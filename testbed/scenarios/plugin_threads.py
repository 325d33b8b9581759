"""The plugin's threads under the thread sanitizer: IKE_SAs come many at a time, are rekeyed and read, while the cluster takes
them over and gives them back.

charon itself is as the distribution built it, so the sanitizer sees what the plugin's code touches, and the locks of both.
Variant: the plugin, built with the sanitizer.
"""
import glob
import threading

from bed import topology
from bed.vici import Vici
from scenarios.context_move import Plugin
from scenarios.measure_ike_rate import CHARON, set_up

_TUNNELS = 60
_RUNTIME = "libtsan.so.2"  # of GCC 12; it must be there before charon's first lock
_ROUNDS = 3


def play(bed, plugin):
    for name in topology.GATEWAYS:
        bed.hosts[name].plugins = [plugin]
        bed.charon_env[name] = {"LD_PRELOAD": _RUNTIME, "TSAN_OPTIONS": f"log_path={bed.hosts[name].directory}/tsan"}
    bed.charon_extra = dict.fromkeys((*topology.GATEWAYS, "peer"), CHARON)
    bed.tunnel = bed.plain(connection=("encap = yes", "unique = never"), pool="10.3.0.0/16", dpd=0)
    owner, standby = bed.make_whole()
    set_up(bed, _TUNNELS)
    bed.expect("tunnels in the log", bed.await_tunnels(owner, _TUNNELS), _TUNNELS)
    for _ in range(_ROUNDS):
        everything_at_once(bed, owner)
        bed.await_cluster()  # under the sanitizer a standby needs a while
        bed.hosts[owner].run(bed.program("haipsec/haipsec"), "failover")
        owner, standby = standby, owner
        bed.expect("owner", bed.await_owner(owner), owner)
    for name in topology.GATEWAYS:
        bed.stop(name, "charon")
    bed.expect("races of the plugin", [race for name in topology.GATEWAYS for race in races(bed.hosts[name].directory)], [])


def races(directory):
    """Reports in which the plugin has a part: what charon does by itself is not judged here."""
    for path in glob.glob(f"{directory}/tsan.*"):
        with open(path, encoding="utf-8") as file:
            yield from (report for report in file.read().split("==================") if "libstrongswan-hasync" in report)


def everything_at_once(bed, owner):
    """Both sides rekey all that there is, the peer sets up more, and the contexts are read."""
    def rekey(host, **what):
        with Vici(bed.hosts[host]) as vici:
            vici.command("rekey", **what)

    def read():
        plugin = Plugin(bed, owner)
        for sa in plugin.sas():
            plugin("get", sa, plugin.context, check=False)  # a rekey may have ended it meanwhile

    jobs = [threading.Thread(target=rekey, args=("peer",), kwargs={"child": "net"}),
            threading.Thread(target=rekey, args=(owner,), kwargs={"ike": "tunnel"}),
            threading.Thread(target=set_up, args=(bed, _TUNNELS // 2)),
            threading.Thread(target=read)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
