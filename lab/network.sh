# Networks: a bridge each in the keeper's network namespace, and a pair of interfaces from it to
# each node that is on the network. All names are private to the lab.
# shellcheck shell=bash disable=SC2154

network_bridges() {
	local number
	network_addresses_check
	for number in "${!networks[@]}"; do
		echo "link add br$number type bridge mcast_snooping 0"
		echo "link set br$number addrgenmode none up"
	done | ip -batch -
}

# The lab's own addresses must not be the topology's.
network_addresses_check() {
	local twice
	twice=$(printf '%s\n' "${addresses_of[@]}" | sed '/^$/d' | sort | uniq -d)
	[[ -z $twice ]] || fail "an address is in use twice: network $twice" \
		"(the lab itself takes 198.51.100.25, 203.0.113.9 and 2001:db8:ffff::25 on internet)"
	[[ ${addresses_of[*]} != *" $dns_prefix4."* && ${addresses_of[*]} != *" $dns_prefix6:"* ]] ||
		fail "the topology uses addresses of $dns_prefix4.0/24 or $dns_prefix6:/64, the lab's own"
}

# network_attach NODE PROCESS: makes the node's interfaces and sets their addresses and routes.
network_attach() {
	local namespace=/proc/$2/ns/net number port
	for number in $(network_numbers "$1"); do
		port=p$2-$number
		echo "link add $port type veth peer name $(network_interface "$number") netns $namespace"
		echo "link set $port master br$number addrgenmode none up"
		if [[ ${networks[number]} == dns && $1 != dns ]]; then
			echo "link set $port type bridge_slave isolated on"
		fi
	done | ip -batch -
	network_configure "$1" | nsenter --net="$namespace" ip -batch -
}

# Numbers of the networks that a node is on.
network_numbers() {
	local number lines=$'\n'${addresses_of[$1]}
	for number in "${!networks[@]}"; do
		if [[ ${networks[number]} == dns || $lines == *$'\n'"${networks[number]} "* ]]; then
			echo "$number"
		fi
	done
}

# A node's interface is called like its network where the name fits.
network_interface() {
	if ((${#networks[$1]} < 16)); then
		echo "${networks[$1]}"
	else
		echo "net$1"
	fi
}

# Commands for ip(8) inside a node. An address has no prefix of its own: the network's CIDRs say
# what is on-link; on internet, that is everything.
network_configure() {
	local number interface name address cidr
	echo "link set lo up"
	for number in $(network_numbers "$1"); do
		interface=$(network_interface "$number")
		echo "link set $interface addrgenmode none up"
		if [[ ${networks[number]} == dns ]]; then
			dns_attach "$1" "$interface"
		fi
		while read -r name address; do
			[[ $name == "${networks[number]}" ]] || continue
			if [[ $address == *:* ]]; then
				echo "address add $address/128 dev $interface nodad"
			else
				echo "address add $address/32 dev $interface"
			fi
			for cidr in ${cidrs_of[$name]}; do
				[[ ${address//[^:]/} && ! ${cidr//[^:]/} || ! ${address//[^:]/} && ${cidr//[^:]/} ]] ||
					echo "route replace $cidr dev $interface"
			done
		done <<<"${addresses_of[$1]}"
	done
}
