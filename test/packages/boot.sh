#!/usr/bin/env bash
# boot.sh ROOT CGROUP PIDFILE: becomes systemd as the init of ROOT, in namespaces of its own: a machine with a
# loopback device and nothing else. CGROUP is a folder of a cgroup2 file system, which is where it lives. The
# caller has a mount namespace of its own. The process id of the init goes to PIDFILE.
set -euo pipefail

# inside ROOT PIDFILE: the first process of the new namespaces
inside() {
	local root=$1 pid device
	read -r pid _ </proc/self/stat
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for device in null zero full random urandom tty; do
		touch "$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs tmpfs "$root/tmp"
	hostname mail.example.com
	ip link set lo up
	echo "$pid" >"$2.new"
	mv "$2.new" "$2"
	cd "$root"
	mkdir -p tmp/old
	pivot_root . tmp/old
	umount --lazy /tmp/old
	rmdir /tmp/old
	exec env -i container=postern-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=journal
}

if [[ ${1-} == --inside ]]; then
	inside "${@:2}"
fi
echo $$ >"$2/cgroup.procs"
exec unshare --cgroup --pid --fork --kill-child=KILL --mount --uts --ipc --net "$0" --inside "$1" "$3" </dev/null
