#!/bin/sh
# From three Debian machines and two packages to a gateway that may die, in ten commands; one for several nodes is one. Runs
# where the packages and branch.conf are (your connections: the example swanctl.conf with your secret), on a machine from which
# `ssh root@gw1`, gw2 and witness work. The nodes have the addresses of the example; for others, change the examples on the
# nodes after the second command.
# shellcheck disable=SC2016,SC2029,SC2086  # what is in quotes is for the nodes
set -eu
gateways='gw1 gw2' all='gw1 gw2 witness' examples=/usr/share/doc/hasyncd/examples
to() { for node in $1; do scp -q $2 "root@$node:"; done; }
on() { for node in $1; do ssh "root@$node" "set -e; n=${node#gw}; $2"; done; }

to "$all" ./hasyncd_*.deb && to "$gateways" "./libcharon-hasync_*.deb ./branch.conf"
on "$all" 'apt-get -qq install ./*.deb'

on gw1 'corosync-keygen > /dev/null && haipsec keygen --out /etc/hasyncd/key --witness /etc/hasyncd/witness.key'
on gw1 'tar -cC /etc corosync/authkey hasyncd/key' | on gw2 'tar -xC /etc'
on gw1 'cd /etc && tar -c corosync/authkey hasyncd/witness.key && rm hasyncd/witness.key' |
  on witness 'tar -xC /etc --transform s/witness.key/key/'

on "$gateways" "cd $examples"'
  sed "s/^id = 1 /id = $n /" witness/gateway.toml > /etc/hasyncd/hasyncd.toml
  sed "s/0xc1/0xc$n/" strongswan.conf > /etc/strongswan.d/hasyncd.conf     # a range of SPIs of its own
  install -m 600 ~/branch.conf /etc/swanctl/conf.d/
  cp sysctl.conf /etc/sysctl.d/60-hasyncd.conf && sysctl -qp /etc/sysctl.d/60-hasyncd.conf'
on witness "cp $examples/witness/witness.toml /etc/hasyncd/hasyncd.toml"
on "$all" "cp $examples/witness/corosync.conf /etc/corosync/"'
  hasyncd --check > /dev/null && systemctl enable hasyncd && systemctl restart corosync hasyncd'
on "$gateways" 'systemctl restart strongswan'
on "$all" 'until [ "$(haipsec nodes | grep -cE "owner|standby, ready|member")" = 3 ]; do sleep 1; done; haipsec check'
