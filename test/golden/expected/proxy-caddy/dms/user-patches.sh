#!/bin/bash
# user-patches.sh of dms, made by postern-confgen from topology.yaml.
# docker-mailserver runs it whenever the container is made; each run gives the same master.cf.
set -euo pipefail

fail() {
	echo "user-patches.sh: $*" >&2
	exit 1
}

# Postfix believes whoever speaks PROXY to it, so there are no such ports without the firewall.
if ! nft --file /tmp/docker-mailserver/postern.nft; then
	postconf -MX smtp/inet
	postconf -MX submissions/inet
	fail "the firewall for the PROXY ports cannot be loaded, so they stay closed:" \
		"give the container cap_add: [NET_ADMIN]"
fi
