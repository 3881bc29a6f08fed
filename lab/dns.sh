# DNS: nsd with one zone, the root, that holds every name and address of the lab. Nodes reach it
# over the network `dns`, whose ports are isolated from each other: no way from node to node.
# shellcheck shell=bash disable=SC2154,SC2016

# Benchmarking addresses (RFC 2544, RFC 5180), which no topology should use.
dns_prefix4=198.18.53
dns_prefix6=2001:2:0:53:

dns_resolver() {
	printf '%s\n' "nameserver $dns_prefix4.53" "nameserver $dns_prefix6:53" \
		'options timeout:2 attempts:2'
}

# dns_attach NODE INTERFACE: ip(8) commands for the node's place on that network.
dns_attach() {
	local number host=53
	for number in "${!nodes[@]}"; do
		[[ $1 == dns || ${nodes[number]} != "$1" ]] || host=$((100 + number))
	done
	((host < 255)) || fail "more nodes than the lab can number"
	echo "address add $dns_prefix4.$host/24 dev $2"
	echo "address add $dns_prefix6:$host/64 dev $2 nodad"
}

dns_serve() {
	cat >"$lab_dir/nodes/dns/root/etc/nsd/nsd.conf" <<-CONFIG
		server:
			server-count: 1
			username: ""
			zonesdir: "/etc/nsd"
			zonelistfile: "/run/nsd.zonelist"
			xfrdfile: ""
			database: ""
			pidfile: "/run/nsd.pid"
			logfile: "/var/log/nsd.log"
			ip-address: $dns_prefix4.53
			ip-address: $dns_prefix6:53
			rrl-ratelimit: 0 # a lab may ask more than 200 times a second
			rrl-whitelist-ratelimit: 0
		remote-control:
			control-enable: no
		zone:
			name: "."
			zonefile: "lab.zone"
	CONFIG
	node_run dns nsd-checkzone . /etc/nsd/lab.zone >/dev/null ||
		fail "nsd refuses the zone of the lab"
	node_run dns nsd -c /etc/nsd/nsd.conf
}

# Prints the zone. Every address has a name, but only those on internet are found by name, and of a
# host behind a proxy only the proxy's.
dns_zone() {
	local node network address domain senders
	printf '%s\n' '$ORIGIN .' '$TTL 60' '@ SOA ns.lab. hostmaster.lab. 1 3600 600 86400 60' \
		'@ NS ns.lab.' "ns.lab. A $dns_prefix4.53" "ns.lab. AAAA $dns_prefix6:53"
	for node in "${nodes[@]}"; do
		while read -r network address; do
			[[ -n $address ]] || continue
			echo "$(dns_reverse "$address") PTR ${hostname_of[$node]}."
			[[ $network != internet || -n $(proxy_of "$node") || -n ${translated[$node]-} ]] ||
				dns_address "${hostname_of[$node]}" "$address"
		done <<<"${addresses_of[$node]}"
	done
	senders=$(internet_addresses | sed '/:/s/^/ip6:/; /:/!s/^/ip4:/' | paste -sd ' ')
	while read -r domain; do
		dns_text "$domain" "v=spf1 mx $senders -all"
	done < <(query '.domains[].name')
	query '.domains[] | .name as $name | .mx[]? | "\($name). MX \(.preference) \(.hostname)."'
	messages_query '.domains[]' | sed 's/$/. MX 10 mx.elsewhere.test./'
	printf '%s\n' 'elsewhere.test. MX 10 mx.elsewhere.test.' \
		'elsewhere.test. TXT "v=spf1 mx ip4:203.0.113.9 -all"'
	milter_records
}

# dns_text NAME TEXT: a TXT record, in strings of at most 255 octets.
dns_text() {
	local text=$2 strings=''
	while [[ -n $text ]]; do
		strings+=" \"${text:0:255}\""
		text=${text:255}
	done
	echo "$1. TXT$strings"
}

# dns_address NAME ADDRESS: a smarthost may be called by its address.
dns_address() {
	if [[ $1 =~ ^[0-9.]+$ || $1 == *:* ]]; then
		return
	elif [[ $2 == *:* ]]; then
		echo "$1. AAAA $2"
	else
		echo "$1. A $2"
	fi
}

# Name of an address in in-addr.arpa or ip6.arpa.
dns_reverse() {
	local IFS=. bytes groups head tail digits='' index name=''
	if [[ $1 != *:* ]]; then
		read -ra bytes <<<"$1"
		echo "${bytes[3]}.${bytes[2]}.${bytes[1]}.${bytes[0]}.in-addr.arpa."
		return
	fi
	IFS=:
	head=${1%%::*} tail=''
	[[ $1 != *::* ]] || tail=${1#*::}
	read -ra groups <<<"$head"
	read -ra bytes <<<"$tail"
	while ((${#groups[@]} + ${#bytes[@]} < 8)); do
		groups+=(0)
	done
	for index in "${groups[@]}" "${bytes[@]}"; do
		digits+=$(printf '%04x' "0x$index")
	done
	for ((index = 31; index >= 0; index--)); do
		name+=${digits:index:1}.
	done
	echo "${name}ip6.arpa."
}
