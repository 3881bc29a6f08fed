# A node: namespaces of its own (network, mount, PID, UTS, IPC) and private folders at the paths
# that its software writes to; they live in a tmpfs of the keeper's, so none outlives the lab. The
# rest of the host's file system is there, read-only.
# shellcheck shell=bash disable=SC2154

# Folders that a node sees its own of.
node_folders=(etc var run tmp home root)

# What a node's /etc takes from the host: no configuration of its services, and no secrets.
node_etc=(
	alternatives debian_version gai.conf host.conf ld.so.cache ld.so.conf ld.so.conf.d localtime
	nginx/modules-enabled os-release perl postfix/dynamicmaps.cf postfix/dynamicmaps.cf.d
	postfix/makedefs.out postfix/post-install postfix/postfix-files postfix/postfix-files.d
	postfix/postfix-script protocols python3 services shells ssl/openssl.cnf timezone
)

# The tree that every node starts with.
node_base() {
	local base=$lab_dir/nodes/.base present=() path
	mkdir -p "${node_folders[@]/#/$base/}" "$base"/etc/{postfix/sasl,postern,nsd,dovecot,ssl/certs} \
		"$base"/run/{lock,postern-lab} "$base"/var/{lib,log,mail,tmp,cache} \
		"$base"/var/spool/postfix "$lab_dir/pids"
	chmod 0755 "$base" "$base"/*
	chmod 1777 "$base/tmp" "$base/var/tmp" "$base/run/lock"
	chmod 0700 "$base/root"
	chmod 2775 "$base/var/mail"
	ln -s /run "$base/var/run"
	ln -s /run/lock "$base/var/lock"
	install -d -o postfix -g postfix "$base/var/lib/postfix"
	install -d -o postfix -g root -m 0700 "$base/var/spool/postfix/private"
	for path in "${node_etc[@]}"; do
		[[ ! -e /etc/$path ]] || present+=("etc/$path")
	done
	tar -C / -cf - "${present[@]}" | tar -C "$base" -xf -
	node_accounts "$base/etc"
	printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' 'services: files' \
		'protocols: files' >"$base/etc/nsswitch.conf"
	dns_resolver >"$base/etc/resolv.conf"
	printf 'postmaster: root\n' >"$base/etc/aliases"
	certificate_trust "$base/etc/ssl/certs"
}

# The host's accounts, those that the milter and mailboxes use, and no passwords.
node_accounts() {
	cp /etc/passwd /etc/group "$1"
	node_account "$1" postern 64990
	node_account "$1" vmail 64991
}

node_account() {
	sed -i "/^$2:/d" "$1/passwd" "$1/group"
	echo "$2:x:$3:$3::/nonexistent:/usr/sbin/nologin" >>"$1/passwd"
	echo "$2:x:$3:" >>"$1/group"
}

# Gives a node its files, namespaces and network.
node_boot() {
	local dir=$lab_dir/nodes/$1 hostname=${hostname_of[$1]}
	mkdir -p "$dir"
	cp -a "$lab_dir/nodes/.base" "$dir/root"
	[[ ! -L $lab_dir/roots/$1 ]] || root_install "$1" "$(readlink -- "$lab_dir/roots/$1")"
	echo "$hostname" | tee "$dir/root/etc/hostname" >"$dir/root/etc/mailname"
	node_hosts "$1" "$hostname" >"$dir/root/etc/hosts"
	unshare --mount --net --uts --ipc --pid --fork --kill-child=KILL \
		"$self" --state "$state" _init "$dir" &
	wait_until 100 test -s "$dir/root/run/postern-lab/pid" || fail "node $1 does not start"
	cp "$dir/root/run/postern-lab/pid" "$lab_dir/pids/$1"
	network_attach "$1" "$(<"$lab_dir/pids/$1")"
}

node_hosts() {
	local address=${addresses_of[$1]%%$'\n'*}
	printf '%s\n' '127.0.0.1 localhost' '::1 localhost ip6-localhost ip6-loopback'
	[[ -z $address ]] || echo "${address#* } $2 ${2%%.*}"
}

# node_init DIR: process 1 of a node.
node_init() {
	local dir=$1 folder process program root
	echo "$(<"$dir/root/etc/hostname")" >/proc/sys/kernel/hostname
	read -r process _ </proc/self/stat # the host's id: its /proc is still mounted
	for program in milter gate; do
		[[ -e $dir/../../$program ]] || continue
		touch "$dir/root/run/postern-lab/postern-$program"
		mount --bind "$(readlink -e "$dir/../../$program")" "$dir/root/run/postern-lab/postern-$program"
	done
	root=$(readlink -e "$dir/../../roots/${dir##*/}" || true)
	[[ -z $root ]] || root_mount "$dir" "$root"
	echo 0 >/proc/sys/net/ipv4/ip_forward # a new namespace inherits the host's value
	echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore # addresses answer on their own network only
	mount --rbind "$dir/root" /mnt
	for folder in "${node_folders[@]}"; do
		mount --rbind "/mnt/$folder" "/$folder"
	done
	umount -R /mnt
	mount -o remount,bind,ro /
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	[[ ! -S /dev/log ]] || mount --bind /dev/null /dev/log
	mount -t proc proc /proc
	[[ -z $root ]] || root_mount_kernel
	cd /
	echo "$process" >/run/postern-lab/pid
	while :; do
		sleep infinity || true # bash reaps what it adopts
	done
}

# Prints the process id of a node's process 1, as the host counts.
node_process() {
	local words process
	[[ -s $lab_dir/pids/$1 ]] ||
		fail "lab $lab_name has no node $1; it has: $(cd "$lab_dir/pids" && echo *)"
	process=$(<"$lab_dir/pids/$1")
	mapfile -d '' -t words 2>/dev/null <"/proc/$process/cmdline" || words=('')
	[[ ${words[-1]-} == "$lab_dir/nodes/$1" ]] || fail "node $1 of lab $lab_name is dead"
	echo "$process"
}

# node_run NODE COMMAND...: runs a command on a node, with a clean environment.
node_run() {
	local process
	process=$(node_process "$1")
	nsenter --target "$process" --mount --net --uts --ipc --pid --wdns=/ -- \
		/usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 TERM="${TERM-dumb}" "${@:2}"
}

# node_log NODE WHAT: prints a log.
node_log() {
	local file what=$2
	node_process "$1" >/dev/null
	[[ -n $what || $1 != dns ]] || what=nsd
	[[ -n $what ]] || what=$(node_query "$1" 'select(.kind == "proxy").kind')
	case ${what:=postfix} in
	postfix)
		file=$(node_run "$1" postconf -h maillog_file)
		[[ $file != /dev/stdout ]] || file=/var/log/mail.log
		;;
	milter | gate | dovecot | nsd | proxy) file=/var/log/$what.log ;;
	*) misuse "no log '$what'" ;;
	esac
	node_run "$1" cat -- "$file"
}
