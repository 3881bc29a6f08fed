# postern-gate on the nodes that have a postern-gate.conf.
# shellcheck shell=bash disable=SC2154,SC2016

gate_binary=/run/postern-lab/postern-gate
gate_pid=/run/postern-lab/gate.pid
gate_log=/var/log/gate.log

# gate_config NODE: the path of its configuration there.
gate_config() {
	if gate_is_supervised "$1"; then
		echo /tmp/docker-mailserver/postern-gate.conf
	else
		echo /etc/postern/postern-gate.conf
	fi
}

# gate_is_supervised NODE: docker-mailserver's supervisor runs its gate.
gate_is_supervised() {
	[[ $(node_query "$1" .kind) == dms ]]
}

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
	for path in "${configs[@]}"; do
		path=${path%/*}
		! gate_is_supervised "${path##*/}" || need_programs supervisord supervisorctl
	done
}

# gate_supervise NODE FOLDER: what docker-mailserver has running when it calls user-patches.sh, and the program
# where the README has it put.
gate_supervise() {
	local root=$lab_dir/nodes/$1/root
	[[ -n $(rendered "$1" postern-gate.conf) ]] || return 0
	sed -i 's/^log = .*/log = "stderr"/' "$root$2/postern-gate.conf"
	node_run "$1" cp "$gate_binary" "$2/postern-gate"
	mkdir -p "$root"/etc/supervisor/conf.d "$root/var/log/supervisor"
	ln -s supervisor/postern-gate.log "$root$gate_log"
	cp "$lab_source/base/dms-supervisord.conf" "$root/etc/supervisor/supervisord.conf"
	node_run "$1" supervisord -c /etc/supervisor/supervisord.conf ||
		fail "supervisord of node $1 does not start"
}

# gate_serve NODE: starts the gate, if the node has one. It logs to its standard error, for a node has no
# syslog daemon.
gate_serve() {
	[[ -n $(rendered "$1" postern-gate.conf) ]] || return 0
	sed -i 's/^log = .*/log = "stderr"/' "$lab_dir/nodes/$1/root$(gate_config "$1")"
	gate_start "$1"
}

# gate_start NODE: Postfix need not be there yet.
gate_start() {
	local config
	gate_has "$1"
	config=$(gate_config "$1")
	node_run "$1" "$gate_binary" --test --config="$config" >&2 ||
		fail "postern-gate of node $1 does not take its configuration"
	if gate_is_supervised "$1"; then
		node_run "$1" supervisorctl start postern-gate >&2
	else
		node_run "$1" bash -c 'setsid "$1" --foreground --config="$2" </dev/null >>"$3" 2>&1 &
			echo $! >"$4"' bash "$gate_binary" "$config" "$gate_log" "$gate_pid"
	fi
	gate_wait "$1"
}

gate_wait() {
	! gate_is_supervised "$1" ||
		node_run "$1" bash -c 'supervisorctl pid postern-gate >"$1"' bash "$gate_pid"
	node_run "$1" bash -c "$(gate_probe "$1")" || {
		node_run "$1" tail -n 5 "$gate_log" >&2
		fail "postern-gate of node $1 does not start"
	}
}

# gate_probe NODE: a shell command that waits until the gate listens at each of its ports.
gate_probe() {
	local ports
	ports=$(node_run "$1" sed -n 's/^ *addresses = //p' "$(gate_config "$1")" |
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

# With SIGKILL, as a crash would have it; a supervisor would start it again at once.
gate_stop() {
	gate_has "$1"
	if gate_is_supervised "$1"; then
		node_run "$1" supervisorctl stop postern-gate >&2
		return
	fi
	node_run "$1" bash -c 'process=$(<"$1")
		kill -KILL "$process" && while [[ -d /proc/$process ]]; do sleep 0.02; done' \
		bash "$gate_pid"
}

gate_has() {
	[[ -n $(rendered "$1" postern-gate.conf) ]] || fail "node $1 has no postern-gate"
	! is_container "$1" || fail "the postern-gate of the container $1 ends and begins with it: stop, start"
}
