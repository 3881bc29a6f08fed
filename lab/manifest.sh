# The rendered tree's manifest.json, which tells what the nodes are. What the lab asks for often is
# read once, into arrays; the rest by jq where it is used.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154

# Names of the topology's nodes, of all nodes with the lab's own two, and of all networks: beside
# the topology's, `internet`, where all is on-link, and `dns`, where each node reaches the DNS
# server and no other node.
topology_nodes=() nodes=() networks=()
# By node: its kind, its host name, and lines `NETWORK ADDRESS`. By network: lines of CIDRs.
declare -A kind_of=() hostname_of=() addresses_of=() cidrs_of=()

# query FILTER [JQ ARGUMENT...]: raw output of jq on the manifest.
query() {
	jq -r --slurpfile domains "$lab_dir/out/domains.json" "${@:2}" \
		". + {domains: \$domains[0]} | $1" "$lab_dir/out/manifest.json"
}

# node_query NODE FILTER: the same, on one node.
node_query() {
	query ".nodes[] | select(.name == \$node) | $2" --arg node "$1"
}

manifest_load() {
	local version assignments node
	[[ -f $lab_dir/out/manifest.json ]] ||
		fail "$lab_out holds no manifest.json: give a folder that postern-confgen render wrote"
	version=$(query .postern) || fail "$lab_out/manifest.json is not valid JSON"
	[[ $version == 1 ]] || fail "$lab_out/manifest.json has version $version; this lab reads version 1"
	# a proxy has the name of the host that its port 25 leads to: so the Internet knows its addresses
	assignments=$(query '
		([.nodes[] | .hostname as $host | .proxied[]? | select(.port == 25) |
			{(.proxy): $host}] | add // {}) as $behind |
		"topology_nodes=(\([.nodes[].name] | @sh))",
		"networks=(\([.networks[].name, "internet", "dns"] | @sh))",
		(.networks[] | "cidrs_of[\(.name | @sh)]=\(.cidrs | join("\n") | @sh)"),
		(.nodes[] | (.name | @sh) as $name |
			"kind_of[\($name)]=\(.kind | @sh)",
			"hostname_of[\($name)]=\(.smarthost.host? // .hostname // $behind[.name] // "\(.name).lab" | @sh)",
			"addresses_of[\($name)]=\([.addresses[] | "\(.network) \(.address)"] | join("\n") | @sh)")')
	eval "$assignments"
	for node in "${topology_nodes[@]}"; do
		[[ $node != dns && $node != internet && $node != client ]] ||
			fail "a node is called $node, a name that the lab needs for a host of its own"
	done
	manifest_add
}

# Adds what the lab has of its own: two nodes or three, and addresses for smarthosts that have none.
manifest_add() {
	local node number=200
	nodes=("${topology_nodes[@]}" dns internet)
	kind_of[dns]=dns hostname_of[dns]=ns.lab addresses_of[dns]=''
	kind_of[internet]=internet hostname_of[internet]=mx.elsewhere.test
	addresses_of[internet]=$(printf 'internet %s\n' 198.51.100.25 203.0.113.9 2001:db8:ffff::25)
	cidrs_of[internet]=$(printf '%s\n' 0.0.0.0/0 ::/0)
	messages_addresses
	addresses_of[client]=$(container_clients; messages_clients)
	if [[ -n ${addresses_of[client]} ]]; then
		nodes+=(client) kind_of[client]=client hostname_of[client]=client.lab
	fi
	for node in "${topology_nodes[@]}"; do
		[[ ${kind_of[$node]} == smarthost && -z ${addresses_of[$node]} ]] || continue
		addresses_of[$node]=$(printf 'internet %s\n' "192.0.2.$number" "2001:db8:fffe::$number")
		number=$((number + 1)) # not in the line above, which runs in a process of its own
	done
}

# Addresses by which the internet knows the topology's nodes.
internet_addresses() {
	local node
	for node in "${topology_nodes[@]}"; do
		sed -n 's/^internet //p' <<<"${addresses_of[$node]}"
	done
}

# Rendered files of a node, as lines `PATH INSTALL OWNER MODE INDEX`.
node_files() {
	node_query "$1" '.files[]? | "\(.path) \(.install) \(.owner) \(.mode) \(.index)"'
}

# rendered NODE NAME: the rendered file of that name, or nothing.
rendered() {
	local file="$lab_dir/out/$1/$2"
	[[ ! -f $file ]] || echo "$file"
}

# Credentials in all nodes' rendered password files, as lines `KEY USER:PASSWORD`.
rendered_credentials() {
	sed -s '/^[[:space:]]*\(#\|$\)/d' /dev/null \
		"$lab_dir"/out/*/sasl_passwd "$lab_dir"/out/*/postfix-sasl-password.cf
}
