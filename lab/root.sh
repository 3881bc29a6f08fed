# Nodes whose Postfix comes from another root file system than the machine's: another release of it.
# Such a node is like every other, but each of Postfix's commands is a stand-in that changes root
# first. Both views have the same /etc, /var, /run and /tmp, so what else the node runs (milter, Dovecot,
# firewall) is the machine's own and meets Postfix at its sockets. The root is mounted read-only.
# shellcheck shell=bash disable=SC2154

root_place=/run/postern-lab/root
root_stand_in=/run/postern-lab/in-root

# Commands of Postfix on Debian; newaliases and mailq are links to sendmail.
root_commands=(
	/usr/sbin/{postalias,postcat,postconf,postdrop,postfix,postkick,postlock,postlog,postmap,postmulti}
	/usr/sbin/{postqueue,postsuper,posttls-finger,sendmail} /usr/lib/postfix/configure-instance.sh
)

# What stays the root's own in its /etc: what its libraries and commands are configured with.
root_etc=(alternatives ld.so.cache ld.so.conf ld.so.conf.d perl ssl/openssl.cnf)

# root_choose [NODE=]DIR...: notes which node has which root. Without NODE it is for all nodes of kind
# postfix that have none of their own.
root_choose() {
	local choice node
	mkdir -p "$lab_dir/roots"
	for choice; do
		[[ $choice =~ ^[^/=]+= ]] || continue
		node=${choice%%=*}
		case ${kind_of[$node]-none} in
		postfix | dms | smarthost | internet) root_note "$node" "${choice#*=}" ;;
		none) fail "--root $choice: there is no node $node; there are: ${nodes[*]}" ;;
		*) fail "--root $choice: node $node runs no Postfix" ;;
		esac
	done
	for choice; do
		[[ ! $choice =~ ^[^/=]+= ]] || continue
		for node in "${topology_nodes[@]}"; do
			[[ ${kind_of[$node]} != postfix || -L $lab_dir/roots/$node ]] ||
				root_note "$node" "$choice"
		done
	done
}

# root_note NODE DIR
root_note() {
	[[ -x $2/usr/sbin/postfix && -f $2/etc/postfix/postfix-files ]] ||
		fail "$2 is no root file system with Postfix in it"
	ln -sT "$(readlink -e -- "$2")" "$lab_dir/roots/$1" 2>/dev/null ||
		fail "node $1 is given two roots"
}

# root_install NODE DIR: the files of a node whose Postfix is that root's, in place of the machine's.
root_install() {
	local place=$lab_dir/nodes/$1/root path
	for path in "${node_etc[@]}"; do
		[[ $path == postfix/* ]] || continue
		rm -rf -- "${place:?}/etc/${path:?}"
		[[ ! -e $2/etc/$path ]] || cp -a -- "$2/etc/$path" "$place/etc/$path"
	done
	mkdir -p "$place$root_place"
	# shellcheck disable=SC2016 # the stand-in expands them
	printf '#!/bin/sh\nexec /usr/sbin/chroot %s "$0" "$@"\n' "$root_place" >"$place$root_stand_in"
	chmod 0755 "$place$root_stand_in"
	# by the accounts of the node, which are the machine's
	for path in postdrop postqueue; do
		install -g postdrop -m 2555 "$2/usr/sbin/$path" "$place/run/postern-lab/$path"
	done
}

# root_mount DIR ROOT: in the new namespaces of the node with that folder, while the machine's own
# folders are still to be seen.
root_mount() {
	local place=$1/root$root_place path
	mount --bind "$2" "$place"
	mount -o remount,bind,ro "$place"
	for path in "${node_folders[@]}"; do
		mount --bind "$1/root/$path" "$place/$path"
	done
	for path in "${root_etc[@]}"; do
		[[ ! -e $2/etc/$path || ! -e $place/etc/$path ]] ||
			mount --bind "$2/etc/$path" "$place/etc/$path"
	done
	for path in postdrop postqueue; do
		mount --bind "$1/root/run/postern-lab/$path" "$place/usr/sbin/$path"
	done
	for path in "${root_commands[@]}"; do
		[[ ! -e $path ]] || mount --bind "$1/root$root_stand_in" "$path"
	done
}

# The kernel's file systems, when the node has its own.
root_mount_kernel() {
	mount -t proc proc "$root_place/proc"
	mount --rbind /dev "$root_place/dev"
}
