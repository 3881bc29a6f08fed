# Nodes that run in a container: their entry point, with the files where the image would have them, and
# one node more, `client`, which is on every network whose hosts may submit mail.
# shellcheck shell=bash disable=SC2016,SC2154

container_pid=/run/postern-lab/container.pid

is_container() {
	[[ $(node_query "$1" '.deployment // "host"') == container ]]
}

container_serve() {
	postfix_install "$1"
	postfix_certificate "$1"
	milter_install "$1"
	postfix_settle "$1"
	container_start "$1"
}

# The entry point's output is the container's log.
container_start() {
	node_run "$1" bash -c 'PATH=${1%/*}:$PATH setsid /etc/postern/entrypoint \
		</dev/null >>/var/log/mail.log 2>&1 & echo $! >"$2"' bash "$milter_binary" "$container_pid"
	node_run "$1" bash -c 'for round in {1..250}; do
		/etc/postern/entrypoint health 2>/dev/null && exit
		sleep 0.02
	done; exit 1' || {
		node_run "$1" tail -n 5 /var/log/mail.log >&2
		fail "the container $1 does not start"
	}
}

# As `docker stop` does it within the 50 s of compose.yaml, which kills whatever has not ended by then.
container_stop() {
	node_run "$1" bash -c 'kill -TERM "$(<"$1")" && for round in {1..2500}; do
		[[ -d /proc/$(<"$1") ]] || exit 0
		sleep 0.02
	done; exit 1' bash "$container_pid" || fail "the container $1 does not stop; does it run?"
}

# Prints lines `NETWORK ADDRESS` for the node `client`: the last free address of each network.
container_clients() {
	local network cidr
	while read -r network; do
		for cidr in ${cidrs_of[$network]}; do
			if [[ $cidr == *:* ]]; then
				echo "$network ${cidr%%::*}::c11e"
			else
				echo "$network $(container_last_free "$cidr")"
			fi
		done
	done < <(query '[.nodes[].clients // [] | .[]] | unique[]')
}

# container_last_free CIDR: an IPv4 address that no node has.
container_last_free() {
	local bytes number address
	IFS=. read -ra bytes <<<"${1%/*}"
	number=$(((bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]) + (1 << 32 - ${1#*/}) - 2))
	while :; do
		address=$((number >> 24)).$((number >> 16 & 255)).$((number >> 8 & 255)).$((number & 255))
		[[ " ${addresses_of[*]//$'\n'/ } " == *" $address "* ]] || break
		((number--))
	done
	echo "$address"
}

client_serve() {
	: # it runs nothing: it is where a test runs its client
}
