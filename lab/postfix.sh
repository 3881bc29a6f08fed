# Nodes of kind postfix: Debian's Postfix with the rendered files where the manifest says, and what
# every node that runs Postfix shares.
# shellcheck shell=bash disable=SC2154

postfix_serve() {
	local sasl
	if is_container "$1"; then
		container_serve "$1"
		return
	fi
	postfix_install "$1"
	postfix_certificate "$1"
	sasl=$(node_files "$1" | sed -n 's|^[^ ]*/dovecot-sasl.conf \([^ ]*\) .*|\1|p')
	[[ -z $sasl ]] || dovecot_serve "$1" "$sasl"
	firewall_load "$1"
	postfix_begin "$1"
	gate_serve "$1"
}

# postfix_certificate NODE: makes the certificate that the topology names, if it does.
postfix_certificate() {
	local certificate key
	certificate=$(node_query "$1" '.tls.certificate // empty')
	if [[ -n $certificate ]]; then
		key=$(node_query "$1" .tls.key)
		node_path_check "$1" "$certificate"
		node_path_check "$1" "$key"
		certificate_make "${hostname_of[$1]}" "$lab_dir/nodes/$1/root$certificate" \
			"$lab_dir/nodes/$1/root$key"
	fi
}

# postfix_install NODE: puts the rendered files in place and indexes those that are to be.
postfix_install() {
	local path install owner mode index root=$lab_dir/nodes/$1/root
	while read -r path install owner mode index; do
		node_path_check "$1" "$install"
		mkdir -p "$root${install%/*}"
		install -m "$mode" "$lab_dir/out/$path" "$root$install"
		[[ $owner == root:root ]] || node_run "$1" chown "$owner" "$install"
	done < <(node_files "$1")
	messages_hurry "$1"
	postfix_settle "$1"
	while read -r path install owner mode index; do
		[[ $index == none ]] || node_run "$1" postmap "$index:$install"
	done < <(node_files "$1")
}

# A lab must not write outside a node's own folders.
node_path_check() {
	[[ /$2/ != */../* && $2 =~ ^/(etc|var|run)/ ]] ||
		fail "node $1 has $2: the lab installs only below /etc, /var and /run"
}

# postfix_settle NODE: makes the files in /etc/postfix look old. Whatever reads one that was written
# within the last second waits, lest it read half a file. DMS does this, too, to main.cf.
postfix_settle() {
	find "$lab_dir/nodes/$1/root/etc/postfix" -maxdepth 1 -type f -mmin -1 \
		-exec touch -d '1 minute ago' {} +
}

# postfix_begin NODE: the first start, in which the milter and Postfix find all files in place.
postfix_begin() {
	local log
	postfix_settle "$1"
	log=$(node_run "$1" postconf -h maillog_file)
	if [[ -z $log ]]; then # a node has no syslog daemon
		node_run "$1" postconf -e maillog_file=/var/log/mail.log
		node_run "$1" postconf -M 'postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd'
	fi
	postfix_settle "$1"
	node_run "$1" newaliases
	milter_serve "$1"
	postfix_chroot "$1"
	postfix_start "$1"
}

# postfix_chroot NODE: fills the chroot of Debian's services as its unit does. From Debian 13 on,
# Postfix itself does it when it starts.
postfix_chroot() {
	local scripts
	scripts=$(readlink -- "$lab_dir/roots/$1" || true)/usr/lib/postfix
	grep -q configure-instance.sh "$scripts/sbin/post-install" ||
		node_run "$1" /usr/lib/postfix/configure-instance.sh -
}

postfix_start() {
	if is_container "$1"; then
		container_start "$1"
		return
	fi
	if node_run "$1" postfix start >/dev/null; then
		return
	fi
	node_log "$1" postfix | tail -n 5 >&2
	fail "Postfix of node $1 does not start"
}

postfix_stop() {
	if is_container "$1"; then
		container_stop "$1"
		return
	fi
	node_run "$1" postfix stop >/dev/null || fail "Postfix of node $1 does not stop; does it run?"
}

# postfix_base NODE KIND: installs our own main.cf and master.cf for a host that is not rendered.
postfix_base() {
	local root
	root=$lab_dir/nodes/$1/root
	cp "$lab_source/base/$2-main.cf" "$root/etc/postfix/main.cf"
	cp "$lab_source/base/$2-master.cf" "$root/etc/postfix/master.cf"
	certificate_make "${hostname_of[$1]}" "$root/etc/postfix/lab.crt" "$root/etc/postfix/lab.key"
	install -d -o 64991 -g 64991 "$root/var/mail"
	node_run "$1" postconf -e "myhostname = ${hostname_of[$1]}"
}
