# postern-milter on the nodes that sign, with keys made for the lab.
# shellcheck shell=bash disable=SC2154,SC2016

milter_binary=/run/postern-lab/postern-milter
milter_pid=/run/postern-lab/milter.pid

# milter_find PATH: links the program into the lab's folder when a node needs it.
milter_find() {
	local path=$1
	[[ -n $(query '.nodes[] | select(.milter != null).name') ]] || return 0
	if [[ -z $path ]]; then
		path=$(command -v postern-milter) ||
			fail "postern-milter is not on PATH: say where it is with --milter"
	fi
	[[ -x $path && ! -d $path ]] ||
		fail "$path is no program: say where postern-milter is with --milter"
	ln -s "$(readlink -f -- "$path")" "$lab_dir/milter"
}

# One RSA key for each domain and selector, whichever nodes sign with it.
milter_keys() {
	local name
	mkdir -p "$lab_dir/keys"
	query '[.nodes[].milter // empty | .keys[] | "\(.selector)._domainkey.\(.domain)"] | unique[]' |
		while read -r name; do
			openssl genrsa -out "$lab_dir/keys/$name.pem" 2048 2>/dev/null
		done
}

# TXT records of the keys.
milter_records() {
	local key name
	for key in "$lab_dir"/keys/*.pem; do
		name=${key##*/}
		dns_text "${name%.pem}" "v=DKIM1; k=rsa; p=$(
			openssl rsa -in "$key" -pubout -outform DER 2>/dev/null | openssl base64 -A
		)"
	done
}

# milter_serve NODE: installs the keys and starts the milter, if the node has one. It logs to its
# standard error, for a node has no syslog daemon.
milter_serve() {
	local root config
	config=$(node_query "$1" '.milter.config // empty')
	[[ -n $config ]] || return 0
	root=$lab_dir/nodes/$1/root
	sed -i 's/^log = .*/log = "stderr"/' "$root$config"
	install -d -o 64990 -g postfix -m 0750 "$root/var/spool/postfix/postern"
	milter_install "$1"
	milter_start "$1"
}

# milter_install NODE: puts the keys where the milter, if there is one, looks for them.
milter_install() {
	local root name path
	root=$lab_dir/nodes/$1/root
	while read -r name path; do
		node_path_check "$1" "$path"
		mkdir -p "$root${path%/*}"
		install -o root -g root -m 0600 "$lab_dir/keys/$name.pem" "$root$path"
	done < <(node_query "$1" '.milter // empty | .keys[] | "\(.selector)._domainkey.\(.domain) \(.path)"')
}

milter_start() {
	local config socket
	config=$(node_query "$1" '.milter.config // empty')
	[[ -n $config ]] || fail "node $1 has no milter"
	socket=$(node_query "$1" .milter.socket)
	# shellcheck disable=SC2016 # the node's shell expands
	node_run "$1" bash -c 'setsid "$1" -f -c "$2" </dev/null >>/var/log/milter.log 2>&1 &
		echo $! >"$3"' \
		bash "$milter_binary" "$config" "$milter_pid"
	node_run "$1" bash -c "for round in {1..250}; do
		{ $(milter_probe "$socket"); } 2>/dev/null && exit
		sleep 0.02
	done; exit 1" || {
		node_run "$1" tail -n 5 /var/log/milter.log >&2
		fail "the milter of node $1 does not start"
	}
}

# milter_probe SOCKET: a shell command that tells whether the milter listens. The file of a UNIX
# socket may be one that a killed milter left.
milter_probe() {
	local port host
	if [[ $1 == inet:* ]]; then
		port=${1#inet:} host=127.0.0.1
		[[ $port != *@* ]] || host=${port#*@}
		echo ": </dev/tcp/$host/${port%@*}"
	else
		echo "grep -q ' 00010000 .* ${1#*:}\$' /proc/net/unix"
	fi
}

milter_stop() {
	[[ -n $(node_query "$1" '.milter // empty') ]] || fail "node $1 has no milter"
	! is_container "$1" || fail "the milter of $1 lives and dies with the container: use stop"
	# shellcheck disable=SC2016
	node_run "$1" bash -c 'process=$(<"$1")
		kill -KILL "$process" && while [[ -d /proc/$process ]]; do sleep 0.02; done' \
		bash "$milter_pid"
}
