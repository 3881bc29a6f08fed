#!/bin/bash
# user-patches.sh of dms, made by postern-confgen from topology.yaml.
# docker-mailserver runs it whenever the container is made; each run gives the same master.cf.
set -euo pipefail

fail() {
	echo "user-patches.sh: $*" >&2
	exit 1
}

# entry SERVICE: prints it as master.cf has it, if it does.
entry() {
	postconf -M "$1"
}

# copy FROM TO PARAMETER=VALUE...: makes the service TO, one like FROM but for these parameters.
copy() {
	local entry private rest parameters=("${@:3}")
	entry=$(entry "$1")
	read -r _ _ private rest <<<"$entry"
	[[ -n $rest ]] || fail "Postfix has no service $1"
	[[ $2 != */pass ]] || private=-
	postconf -M "$2=${2%/*} ${2#*/} $private $rest"
	postconf -P "${parameters[@]/#/$2/}"
}

# Postfix believes whoever speaks PROXY to it, so there are no such ports without the firewall.
if ! nft --file /tmp/docker-mailserver/postern.nft; then
	fail "the firewall for the PROXY ports cannot be loaded, so they stay closed:" \
		"give the container cap_add: [NET_ADMIN]"
fi

# smtp behind reverse-proxy: topology.yaml:23
# Clients are who the PROXY header says, so that nobody here is trusted for an address.
copy smtpd/pass smtp-proxied/pass syslog_name=postfix/smtp_proxied \
	milter_macro_daemon_name=smtp mynetworks=
copy smtp/inet 12525/inet syslog_name=postfix/smtp_proxied \
	postscreen_upstream_proxy_protocol=haproxy smtpd_service_name=smtp-proxied \
	postscreen_cache_cleanup_interval=0 mynetworks=

# submission behind reverse-proxy: topology.yaml:24
# Clients are who the PROXY header says, so that nobody here is trusted for an address.
copy submission/inet 10587/inet syslog_name=postfix/submission_proxied \
	smtpd_upstream_proxy_protocol=haproxy milter_macro_daemon_name=submission mynetworks=

# submissions behind reverse-proxy: topology.yaml:25
# Clients are who the PROXY header says, so that nobody here is trusted for an address.
copy submissions/inet 10465/inet syslog_name=postfix/submissions_proxied \
	smtpd_upstream_proxy_protocol=haproxy milter_macro_daemon_name=submissions mynetworks=
