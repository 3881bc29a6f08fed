# Nodes of kind dms: a Postfix that is set up like docker-mailserver (DMS) sets up its own, to which
# the rendered overrides are applied with the commands, and in the order, of DMS (v14 and later,
# target/scripts: helpers/relay.sh, startup/setup.d/postfix.sh):
#
#   1. Accounts, aliases, hostname.
#   2. postfix-relaymap.cf and postfix-sasl-password.cf become texthash tables.
#   3. postfix-master.cf, line by line, through `postconf -P`.
#   4. postfix-main.cf is appended to main.cf, and `postconf -n` rewrites the result. That is after
#      master.cf, because postconf drops parameters that nothing refers to.
#   5. user-patches.sh, while supervisord(1) runs if it is to run postern-gate.
#
# What differs from DMS: mail is delivered by virtual(8) in place of Dovecot's LMTP, no content
# filters run, postscreen asks no DNS block lists, and deferred mail is tried again within seconds.
# shellcheck shell=bash disable=SC2154,SC2016

dms_serve() {
	local config
	config=$lab_dir/nodes/$1/root/etc/postfix
	postfix_base "$1" dms
	dms_accounts "$1"
	dms_relay_maps "$1" "$config"
	dms_master "$1"
	dms_main "$1" "$config"
	dms_patches "$1"
	dms_milter "$1"
	dovecot_serve "$1"
	postfix_begin "$1"
	[[ -z $(rendered "$1" postern-gate.conf) ]] || gate_wait "$1"
}

# Addresses of the mailboxes on a node.
dms_mailboxes() {
	messages_mailboxes "$1" < <(dms_usual_mailboxes "$1")
}

dms_usual_mailboxes() {
	query '.domains[] | select(.mailboxes == $node) | .name as $domain |
		(.recipients // ["user", "alice"] | map(if contains("@") then . else . + "@" + $domain end)) +
		["postmaster@" + $domain] | unique[] | select(startswith("@") | not)' --arg node "$1"
}

# Mailboxes, their users, and accounts for nodes that log in here.
dms_accounts() {
	local root address username password
	root=$lab_dir/nodes/$1/root
	query '.domains[] | select(.mailboxes == $node).name' --arg node "$1" >"$root/etc/postfix/vhost"
	password=$(dovecot_user '' postern-lab) # one for all, of whom there may be hundreds
	dms_mailboxes "$1" | while read -r address; do
		echo "$address ${address#*@}/${address%@*}/" >>"$root/etc/postfix/vmailbox"
		echo "$address$password" >>"$root/etc/dovecot/users"
	done
	touch "$root"/etc/postfix/{virtual,vmailbox} "$root/etc/dovecot/users"
	node_query "$1" '.accounts[]?.username' | while read -r username; do
		rendered_credentials | while read -r _ value; do
			[[ ${value%%:*} != "$username" ]] || dovecot_user "$username" "${value#*:}"
		done | sort -u
	done >>"$root/etc/dovecot/users"
	node_run "$1" postconf -e "mydomain = ${hostname_of[$1]#*.}"
}

# relay.sh: without a relay map (or RELAY_HOST in the environment, which the lab does not set)
# nothing is done. _populate_relayhost_map copies the lines that have a key and a value,
# _relayhost_sasl those that are neither blank nor comments. Credentials turn on TLS for every
# destination.
dms_relay_maps() {
	local relaymap passwords
	relaymap=$(rendered "$1" postfix-relaymap.cf)
	passwords=$(rendered "$1" postfix-sasl-password.cf)
	[[ -n $relaymap ]] || return 0
	sed -n -r '/^\s*[^#[:space:]]\S*\s+\S/p' "$relaymap" >"$2/relayhost_map"
	chmod 0600 "$2/relayhost_map"
	node_run "$1" postconf 'sender_dependent_relayhost_maps = texthash:/etc/postfix/relayhost_map'
	if [[ -n $passwords ]]; then
		sed -r '/^\s*(#|$)/d' "$passwords" >"$2/sasl_passwd"
		chmod 0600 "$2/sasl_passwd"
		node_run "$1" postconf 'smtp_sender_dependent_authentication = yes' \
			'smtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd' \
			'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' \
			'smtp_tls_security_level = encrypt'
	fi
}

# __postfix__setup_override_configuration, first half. A line that begins otherwise is skipped
# without a word, as DMS does; one that postconf refuses ends the lab, where DMS would only log it.
dms_master() {
	local file line
	file=$(rendered "$1" postfix-master.cf)
	[[ -n $file ]] || return 0
	while read -r line <&3; do
		[[ ! $line =~ ^[0-9a-z] ]] || node_run "$1" postconf -P "$line" || fail "refused: $line"
	done 3< <(sed -r '/^\s*(#|$)/d' "$file")
}

# __postfix__setup_override_configuration, second half.
dms_main() {
	local file
	file=$(rendered "$1" postfix-main.cf)
	[[ -n $file ]] || return 0
	cat "$file" >>"$2/main.cf"
	postfix_settle "$1"
	node_run "$1" postconf -n >"$2/main.cf.new" 2> >(sed '/overriding earlier entry/d' >&2)
	mv "$2/main.cf.new" "$2/main.cf"
}

# user-patches.sh finds its files where DMS has its configuration.
dms_patches() {
	local file folder=/tmp/docker-mailserver
	file=$(rendered "$1" user-patches.sh)
	[[ -n $file ]] || return 0
	cp -r --preserve=mode "${file%/*}" "$lab_dir/nodes/$1/root$folder"
	gate_supervise "$1" "$folder"
	node_run "$1" "$folder/user-patches.sh" >&2 || fail "user-patches.sh of node $1 fails"
}

# The milter runs beside the container, in its network namespace: DMS itself knows nothing of it.
dms_milter() {
	local file config
	file=$(rendered "$1" postern-milter.conf)
	[[ -n $file ]] || return 0
	config=$(node_query "$1" .milter.config)
	node_path_check "$1" "$config"
	install -D -m 0644 "$file" "$lab_dir/nodes/$1/root$config"
}
