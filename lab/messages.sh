# Messages that a lab is booted for: what it has to have beside the topology, and how they are sent
# (send.py). `postern-confgen test --live` writes the file.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154

# Nodes that reach the Internet by the translation of their network, which has no name in the DNS.
declare -A translated=()

# messages_take FILE
messages_take() {
	jq -e 'has("messages")' -- "$1" >/dev/null 2>&1 || fail "$1 holds no messages"
	cp -- "$1" "$lab_dir/messages.json"
}

# messages_query FILTER [JQ ARGUMENT...]: raw output of jq, nothing where the lab has no messages.
messages_query() {
	[[ ! -f $lab_dir/messages.json ]] || jq -r "${@:2}" "$1" "$lab_dir/messages.json"
}

# Gives nodes that are translated an address of the lab's on the Internet.
messages_addresses() {
	local node number=100
	while read -r node; do
		translated[$node]=yes
		# shellcheck disable=SC2004 # an associative array
		addresses_of[$node]+=$'\n'"internet 192.0.2.$number"
		number=$((number + 1))
	done < <(messages_query '.translated[]')
}

# Prints lines `NETWORK ADDRESS` for the node `client`.
messages_clients() {
	local network address known=" ${addresses_of[*]//$'\n'/ } "
	while read -r network address; do
		[[ $known == *" $address "* ]] || echo "$network $address"
	done < <(messages_query '.clients[] | "\(.network) \(.address)"')
}

# messages_mailboxes NODE: standard input, with the mailboxes that the messages add and without those
# that they want absent.
messages_mailboxes() {
	if [[ ! -f $lab_dir/messages.json ]]; then
		cat
		return
	fi
	jq -rR --arg node "$1" --slurpfile messages "$lab_dir/messages.json" \
		--slurpfile domains "$lab_dir/out/domains.json" -n '
		($domains[0] | map(select(.mailboxes == $node).name | {(.): true}) | add // {}) as $here |
		[inputs, ($messages[0].mailboxes[] | select($here[split("@")[-1]]))] - $messages[0].absent |
		unique[]'
}

# messages_hurry NODE: address verification looks for its result every second, not every third.
messages_hurry() {
	[[ ! -f $lab_dir/messages.json ]] ||
		node_run "$1" postconf -e address_verify_poll_delay=1s address_verify_poll_count=20
}

# messages_copy NODE: what a smarthost takes can be looked at, even if it cannot pass it on.
messages_copy() {
	[[ ! -f $lab_dir/messages.json ]] || node_run "$1" postconf -e always_bcc=copy@elsewhere.test
}

messages_send() {
	[[ -f $lab_dir/messages.json ]] || fail "lab $lab_name was booted without --messages"
	/usr/bin/python3 "$lab_source/send.py" "$lab_dir"
}
