#!/bin/bash
# user-patches.sh of private, made by postern-confgen from gate.yaml.
# docker-mailserver runs it whenever the container is made; each run gives the same master.cf.
set -euo pipefail

fail() {
	echo "user-patches.sh: $*" >&2
	exit 1
}

# A service that postern-gate takes over goes on under this name.
declare -rA gated=(
	[smtp/inet]=mx-direct/pass
	[submissions/inet]=users-direct/pass
)

# entry SERVICE: prints it as master.cf has it, if it does.
entry() {
	local service=$1
	[[ -z ${gated[$1]-} ]] || [[ -n $(postconf -M "$1" 2>/dev/null) ]] || service=${gated[$1]}
	postconf -M "$service"
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

# mx behind balancer: gate.yaml:37
# postern-gate listens at port 25 and hands connections on: those of balancer to mx-proxied, whose
# clients are who the PROXY header says, so that nobody is trusted for an address; all others to
# mx-direct, which is the service that was there.
copy smtpd/pass mx-proxied-smtpd/pass syslog_name=postfix/mx_proxied \
	milter_macro_daemon_name=mx mynetworks=
copy smtpd/pass mx-direct-smtpd/pass syslog_name=postfix/mx_direct \
	milter_macro_daemon_name=mx-direct
copy smtp/inet mx-proxied/pass syslog_name=postfix/mx_proxied \
	smtpd_service_name=mx-proxied-smtpd postscreen_upstream_proxy_protocol=haproxy \
	postscreen_cache_cleanup_interval=0 mynetworks=
copy smtp/inet mx-direct/pass syslog_name=postfix/mx_direct \
	smtpd_service_name=mx-direct-smtpd
postconf -MX smtp/inet 2>/dev/null
# gate.yaml:37
postconf -P 'mx-proxied-smtpd/pass/smtpd_hard_error_limit=7'
# gate.yaml:37
postconf -P 'mx-proxied/pass/postscreen_greet_wait=3s'

# users behind balancer: gate.yaml:39
# postern-gate listens at port 465 and hands connections on: those of balancer to users-proxied, whose
# clients are who the PROXY header says, so that nobody is trusted for an address; all others to
# users-direct, which is the service that was there.
copy submissions/inet users-proxied/pass syslog_name=postfix/users_proxied \
	smtpd_upstream_proxy_protocol=haproxy milter_macro_daemon_name=users mynetworks=
copy submissions/inet users-direct/pass syslog_name=postfix/users_direct \
	milter_macro_daemon_name=users-direct
postconf -MX submissions/inet 2>/dev/null

# Postfix believes whoever speaks PROXY to it, so there are no such ports without the firewall.
if ! nft --file /tmp/docker-mailserver/postern.nft; then
	fail "the firewall for the PROXY ports cannot be loaded, so they stay closed:" \
		"give the container cap_add: [NET_ADMIN]"
fi

# submission behind far: gate.yaml:38
# Clients are who the PROXY header says, so that nobody here is trusted for an address.
copy submission/inet 10587/inet syslog_name=postfix/submission_proxied \
	smtpd_upstream_proxy_protocol=haproxy milter_macro_daemon_name=submission mynetworks=

# The gate runs beside Postfix, by the same supervisor, also after the container is only restarted.
# Without it the ports are closed, and mail waits at its senders.
program=/tmp/docker-mailserver/postern-gate config=/tmp/docker-mailserver/postern-gate.conf
[[ -x $program ]] || program=$(command -v postern-gate) ||
	fail "there is no postern-gate: put the program beside this file, with mode 0755"
"$program" --test --config="$config" || fail "postern-gate does not take $config"
cat >/etc/supervisor/conf.d/postern-gate.conf <<-END
	[program:postern-gate]
	command=$program --foreground --config=$config
	autostart=true
	autorestart=true
	startretries=1000
	stopwaitsecs=15
	stdout_logfile=/var/log/supervisor/%(program_name)s.log
	stderr_logfile=/var/log/supervisor/%(program_name)s.log
END
supervisorctl update postern-gate
supervisorctl restart postern-gate
