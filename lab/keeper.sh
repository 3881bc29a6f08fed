# The life of a lab: `up` starts the keeper, the keeper builds the lab and stays, `down` kills it.
# shellcheck shell=bash disable=SC2154

# Processes of the lab's keeper: unshare(1), and the bash below it, which is process 1 of the lab.
# Looked for by command line, for a process id in a file may be missing after a kill or be stale.
keeper_processes() {
	local file words
	for file in /proc/[0-9]*/cmdline; do
		mapfile -d '' -t words 2>/dev/null <"$file" || continue
		((${#words[@]} > 2)) || continue
		[[ ${words[-2]} == _keep && ${words[-1]} == "$lab_dir" ]] || continue
		file=${file#/proc/}
		echo "${file%/cmdline}"
	done
} 2>/dev/null

keeper_gone() {
	[[ -z $(keeper_processes) ]]
}

# Kills the lab and waits: a PID namespace is gone only after all its processes are.
keeper_kill() {
	local processes
	mapfile -t processes < <(keeper_processes)
	((${#processes[@]} == 0)) || kill -KILL "${processes[@]}" 2>/dev/null || true
	wait_until 100 keeper_gone || fail "processes of lab $lab_name do not end"
}

lab_name_check() {
	[[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || misuse "'$1' is no name for a lab"
}

# Sets lab_name and lab_dir to a lab that is up.
lab_open() {
	need_root
	lab_name_check "$1"
	lab_name=$1 lab_dir=$state/$1
	[[ -e $lab_dir/ready ]] || fail "no lab $lab_name is up (state folder $state)"
}

lab_up() {
	local began=$EPOCHREALTIME milliseconds roots=() until='' messages=''
	local milter=${POSTERN_MILTER-} gate=${POSTERN_GATE-}
	lab_name=lab lab_out=''
	while (($# > 0)); do
		case $1 in
		--name | --milter | --gate | --until | --state | --root | --messages) (($# > 1)) || misuse "$1 needs a value" ;;&
		--name) lab_name=$2; shift ;;
		--milter) milter=$2; shift ;;
		--gate) gate=$2; shift ;;
		--until) until=$2; shift ;;
		--root) roots+=("$2"); shift ;;
		--messages) messages=$2; shift ;;
		--state) state=$(readlink -m -- "$2"); shift ;;
		-*) misuse "no option $1" ;;
		*) [[ -z $lab_out ]] || misuse "one rendered tree only"; lab_out=$1 ;;
		esac
		shift
	done
	[[ -n $lab_out ]] || misuse "up needs the rendered tree"
	lab_name_check "$lab_name"
	[[ -z $until || -d /proc/$until ]] || fail "there is no process $until"
	need_root
	need_programs ip bridge jq nsd nsenter openssl postfix setsid unshare
	lab_dir=$state/$lab_name
	mkdir -p "$state"
	mkdir -m 0700 "$lab_dir" 2>/dev/null ||
		fail "lab $lab_name is there already: postern-lab down $lab_name ends it"
	trap 'keeper_kill; lab_remove' EXIT
	trap 'exit 130' INT TERM HUP
	lab_prepare "$milter" "$gate" "$until" "$messages" "${roots[@]}"
	keeper_start
	trap - EXIT INT TERM HUP
	milliseconds=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
	printf 'lab %s is up: %d nodes in %d.%d s\n' "$lab_name" "${#nodes[@]}" \
		$((milliseconds / 1000)) $((milliseconds % 1000 / 100))
}

# lab_prepare MILTER GATE UNTIL MESSAGES [ROOT...]: copies what the keeper reads, so that later changes do not matter.
lab_prepare() {
	[[ -d $lab_out ]] || fail "there is no folder $lab_out"
	cp -rL --preserve=mode -- "$lab_out" "$lab_dir/out"
	[[ -z $4 ]] || messages_take "$4"
	manifest_load
	if [[ -n $(query '.nodes[] | select(.accounts // [] != [] or .kind != "postfix").name') ]]; then
		need_programs dovecot
	fi
	proxy_check
	root_choose "${@:5}"
	milter_find "$1"
	gate_find "$2"
	echo "$3" >"$lab_dir/until"
}

# Starts the keeper, away from our terminal and process group, and waits until the lab is built.
keeper_start() {
	local round
	setsid unshare --mount --net --uts --ipc --pid --fork --kill-child=KILL \
		"$self" --state "$state" _keep "$lab_dir" </dev/null >"$lab_dir/log" 2>&1 &
	disown
	for ((round = 0; round < 3000; round++)); do
		[[ ! -e $lab_dir/failed && -d /proc/$! ]] || break
		if [[ -e $lab_dir/ready ]]; then
			cat "$lab_dir/log" >&2 # warnings, if there are any
			return
		fi
		sleep 0.02
	done
	tail -n 40 "$lab_dir/log" >&2
	fail "lab $lab_name did not come up, for the reason above"
}

# keeper_main DIR: process 1 of the lab. The host's /proc stays mounted here, so process ids in
# files and in /proc are the host's.
keeper_main() {
	lab_dir=$1 lab_name=${1##*/} lab_out=$1/out
	local until
	trap 'echo "postern-lab: failed at ${BASH_SOURCE[0]##*/}:$LINENO" >&2' ERR
	until=$(<"$lab_dir/until")
	mkdir "$lab_dir/nodes"
	mount -t tmpfs -o mode=0700 postern-lab "$lab_dir/nodes"
	keeper_build &
	if wait $!; then
		touch "$lab_dir/ready"
	else
		keeper_logs
		touch "$lab_dir/failed" # `up` reads why, and takes the rest down
	fi
	while [[ -z $until || -d /proc/$until ]]; do
		sleep 0.5 || true
	done
	kill -KILL -1 # all of this PID namespace but process 1 itself
	wait
	umount --lazy "$lab_dir/nodes"
	lab_remove
}

# What the nodes' logs say last, for whoever reads why the lab did not come up.
keeper_logs() {
	local log
	for log in "$lab_dir"/nodes/*/root/var/log/*.log; do
		[[ -s $log ]] || continue
		printf -- '-- %s\n' "${log#"$lab_dir/nodes/"}"
		tail -n 5 "$log"
	done
}

keeper_build() {
	manifest_load
	certificate_authority
	milter_keys
	node_base
	network_bridges
	for_each node_boot "${nodes[@]}"
	dns_zone >"$lab_dir/nodes/dns/root/etc/nsd/lab.zone"
	for_each node_serve "${nodes[@]}"
}

# What a node runs, by its kind.
node_serve() {
	local kind=${kind_of[$1]}
	case $kind in
	dns | internet | client | postfix | dms | smarthost | proxy) "${kind}_serve" "$1" ;;
	*) fail "node $1 is of kind $kind, which the lab does not know" ;;
	esac
}

lab_remove() {
	rm -rf --one-file-system -- "$lab_dir"
	[[ $state != "$state_default" ]] || rmdir -- "$state" 2>/dev/null || true
}

lab_down() {
	need_root
	lab_name_check "$1"
	lab_name=$1 lab_dir=$state/$1
	[[ -d $lab_dir ]] || ! keeper_gone || fail "there is no lab $lab_name (state folder $state)"
	keeper_kill
	lab_remove
}

lab_list() {
	local dir
	for dir in "$state"/*/; do
		lab_dir=${dir%/} lab_name=${lab_dir##*/}
		if keeper_gone; then
			printf '%s: dead; postern-lab down %s removes its files\n' "$lab_name" "$lab_name"
		elif [[ -e $lab_dir/ready ]]; then
			printf '%s: up, nodes: %s\n' "$lab_name" "$(cd "$lab_dir/pids" && echo *)"
		else
			printf '%s: not up yet\n' "$lab_name"
		fi
	done
}
