#!/bin/bash
# Long lists: nothing is lost, and time grows with them, not with their square.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

# in_time SECONDS ARGS...: the program succeeds within so much time of a processor, which is generous for
# sanitizers, however busy the machine is; more has it killed.
in_time() {
	local soft
	soft=$(ulimit -S -t)
	ulimit -S -t "$1"
	shift
	confgen 0 "$@"
	ulimit -S -t "$soft"
}

# one relay before COUNT private hosts, each with a domain
peers() {
	local i
	echo "postern: 1"
	echo "domains:"
	for ((i = 0; i < $1; i++)); do echo "  d$i.example: {mailboxes: h$i}"; done
	echo "networks: {vpn: 10.0.0.0/16}"
	echo "nodes:"
	echo "  relay: {kind: postfix, hostname: mx.example.net, addresses: {internet: 11.22.33.44, vpn: 10.0.255.1}}"
	for ((i = 0; i < $1; i++)); do
		echo "  h$i: {kind: dms, hostname: h$i.example.net, addresses: {vpn: 10.0.$((i / 250)).$((i % 250 + 1))}}"
	done
	echo "links:"
	for ((i = 0; i < $1; i++)); do echo "  - {between: [relay, h$i], over: vpn}"; done
	echo "routes:"
	for ((i = 0; i < $1; i++)); do
		echo "  - {name: in-$i, to: d$i.example, path: [internet, relay, h$i]}"
		echo "  - {name: out-$i, from: d$i.example, path: [h$i, relay, internet]}"
	done
}

peers 100 >peers.yaml
confgen 0 render -o tree peers.yaml
# shellcheck disable=SC2013 # words they are
for class in $(sed -n 's/^smtpd_restriction_classes =//p' tree/relay/main.cf); do
	[[ -f tree/relay/$class ]] || fail "the table of $class is missing"
done
[[ $(grep -c OK tree/relay/relay_domains) == 100 ]] || fail "not all domains are relayed"
[[ $(grep -c senders_ tree/relay/clients.cidr) == 100 ]] || fail "not all peers are limited"
peers 700 >peers.yaml
in_time 30 check --no-postfix peers.yaml

# 10,000 domains and 30,000 recipients at one host
{
	echo "postern: 1"
	echo "domains:"
	printf '  d%d.example: {mailboxes: private}\n' {1..10000}
	echo "  example.com:"
	echo "    mailboxes: private"
	echo "    recipients:"
	printf '      - u%d@example.com\n' {1..30000}
	sed -n '/^networks/,/^routes/p' "$example"
	echo "  - name: inbound"
	echo "    path: [internet, public, private]"
	echo "    to:"
	printf '      - %s\n' example.com d{1..10000}.example
	echo "  - name: outbound"
	echo "    path: [private, public, internet]"
	echo "    from:"
	printf '      - %s\n' example.com d{1..10000}.example
} >domains.yaml
in_time 30 render -o domains domains.yaml
[[ $(grep -c relay: domains/public/transport) == 10001 ]] || fail "not all domains have a transport"
# the postmaster of example.com among them
[[ $(grep -c OK domains/public/relay_recipients) == 40001 ]] || fail "not all recipients are there"

# names that are not there: each is told, but beyond the first hundred not what may have been meant
printf '  - {name: x%d, to: example.com, path: [internet, publik, privat]}\n' {1..2000} >unknown.part
sed '/name: outbound/r unknown.part' "$example" >unknown.yaml
confgen 1 check --no-postfix unknown.yaml
[[ $(grep -c 'there is no node' "$said/out") == 4000 ]] || fail "not all unknown names are told"
[[ $(grep -c 'did you mean' "$said/out") == 100 ]] || fail "suggestions: $(grep -c 'did you mean' "$said/out")"

# more hosts to fall back on than there can be: an error, not a list cut short
{
	echo "postern: 1"
	echo "domains: {example.com: {mailboxes: home}}"
	echo "networks: {vpn: 10.0.0.0/24}"
	echo "nodes:"
	echo "  home: {kind: dms, hostname: home.example.com, addresses: {vpn: 10.0.0.100}}"
	for i in {1..17}; do
		echo "  m$i: {kind: postfix, hostname: m$i.example.net, addresses: {internet: 11.22.33.$i, vpn: 10.0.0.$i}}"
	done
	echo "links:"
	printf '  - {between: [home, m%d], over: vpn}\n' {1..17}
	echo "routes:"
	echo "  - {name: in, to: example.com, path: [internet, m1, home]}"
	for i in {1..17}; do
		echo "  - {name: out-$i, from: example.com, path: [home, m$i, internet]}"
	done
} >relays.yaml
confgen 1 check --no-postfix relays.yaml
says out "relays.yaml:5:3: error: 'home' has 17 ways out: 16 is the most to fall back on [route-conflict]"
grep -v 'm17\|out-17' relays.yaml >sixteen.yaml
confgen 0 render -o sixteen sixteen.yaml
[[ $(grep -o '10\.0\.0\.[0-9]*' <<<"$(grep ^smtp_fallback_relay sixteen/home/postfix-main.cf)" | wc -l) == 15 ]] ||
	fail "not all relays are there to fall back on"
finish
