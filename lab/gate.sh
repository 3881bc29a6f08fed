# postern-gate on the nodes that have a postern-gate.conf.
# shellcheck shell=bash disable=SC2154,SC2016

gate_binary=/run/postern-lab/postern-gate
gate_pid=/run/postern-lab/gate.pid
gate_config=/etc/postern/postern-gate.conf

# gate_find PATH: links the program into the lab's folder when a node needs it.
gate_find() {
	local path=$1 configs=("$lab_dir"/out/*/postern-gate.conf)
	((${#configs[@]} > 0)) || return 0
	if [[ -z $path ]]; then
		path=$(command -v postern-gate) ||
			fail "postern-gate is not on PATH: say where it is with --gate"
	fi
	[[ -x $path && ! -d $path ]] ||
		fail "$path is no program: say where postern-gate is with --gate"
	ln -s "$(readlink -f -- "$path")" "$lab_dir/gate"
}

# gate_serve NODE: starts the gate, if the node has one. It logs to its standard error, for a node has no
# syslog daemon.
gate_serve() {
	[[ -n $(rendered "$1" postern-gate.conf) ]] || return 0
	sed -i 's/^log = .*/log = "stderr"/' "$lab_dir/nodes/$1/root$gate_config"
	gate_start "$1"
}

# gate_start NODE: Postfix need not be there yet.
gate_start() {
	gate_has "$1"
	node_run "$1" "$gate_binary" --test --config="$gate_config" >&2 ||
		fail "postern-gate of node $1 does not take its configuration"
	node_run "$1" bash -c 'setsid "$1" --foreground --config="$2" </dev/null >>/var/log/gate.log 2>&1 &
		echo $! >"$3"' bash "$gate_binary" "$gate_config" "$gate_pid"
	node_run "$1" bash -c "$(gate_probe "$1")" || {
		node_run "$1" tail -n 5 /var/log/gate.log >&2
		fail "postern-gate of node $1 does not start"
	}
}

# gate_probe NODE: a shell command that waits until the gate listens at each of its ports.
gate_probe() {
	local ports
	ports=$(node_run "$1" sed -n 's/^ *addresses = //p' "$gate_config" |
		grep -o ':[0-9]*"' | tr -dc '0-9\n' | sort -u)
	echo "process=\$(<$gate_pid)
		for round in {1..250}; do
			[[ -d /proc/\$process ]] || exit 1
			missing=
			for port in ${ports//$'\n'/ }; do
				printf -v hex %04X \"\$port\"
				grep -q \":\$hex 0*:0000 0A \" /proc/net/tcp /proc/net/tcp6 || missing=1
			done
			[[ \$missing ]] || exit 0
			sleep 0.02
		done; exit 1"
}

# With SIGKILL, as a crash would have it.
gate_stop() {
	gate_has "$1"
	node_run "$1" bash -c 'process=$(<"$1")
		kill -KILL "$process" && while [[ -d /proc/$process ]]; do sleep 0.02; done' \
		bash "$gate_pid"
}

gate_has() {
	[[ -n $(rendered "$1" postern-gate.conf) ]] || fail "node $1 has no postern-gate"
}
