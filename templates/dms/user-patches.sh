#!/bin/bash
# user-patches.sh of {{node}}, made by postern-confgen from {{topology}}.
# docker-mailserver runs it whenever the container is made; each run gives the same master.cf.
set -euo pipefail

# Postfix believes whoever speaks PROXY to it, so there are no such ports without the firewall.
if ! nft --file /tmp/docker-mailserver/postern.nft; then
	echo "user-patches.sh: the firewall for the PROXY ports cannot be loaded, so they stay closed:" \
		"give the container cap_add: [NET_ADMIN]" >&2
{{#proxied.same}}
	postconf -MX {{service}}/inet
{{/proxied.same}}
	exit 1
fi
{{#proxied.has_second}}

# copy FROM TO PARAMETER=VALUE...: makes the service TO, one like FROM but for these parameters.
copy() {
	local entry rest parameter
	entry=$(postconf -M "$1")
	read -r _ _ rest <<<"$entry"
	if [[ -z $rest ]]; then
		echo "user-patches.sh: Postfix has no service $1" >&2
		exit 1
	fi
	postconf -M "$2=${2%/*} ${2#*/} $rest"
	for parameter in "${@:3}"; do
		postconf -P "$2/$parameter"
	done
}
{{/proxied.has_second}}
{{#proxied.second}}

# {{name}} behind {{proxy}}: {{origin}}
# Clients are who the PROXY header says, so that nobody here is trusted for an address.
{{#smtp}}
copy smtpd/pass {{name}}-proxied/pass syslog_name=postfix/{{log_name}}_proxied \
	milter_macro_daemon_name={{name}} mynetworks=
copy smtp/inet {{master}}/inet syslog_name=postfix/{{log_name}}_proxied \
	postscreen_upstream_proxy_protocol=haproxy smtpd_service_name={{name}}-proxied \
	postscreen_cache_cleanup_interval=0 mynetworks=
{{/smtp}}
{{#login}}
copy {{service}}/inet {{master}}/inet syslog_name=postfix/{{log_name}}_proxied \
	smtpd_upstream_proxy_protocol=haproxy milter_macro_daemon_name={{name}} mynetworks=
{{/login}}
{{/proxied.second}}
