# Dovecot as a SASL server for Postfix, and nothing else.
# shellcheck shell=bash disable=SC2154

# dovecot_serve NODE [FILE]: runs it with that configuration of the node, or, without one, for the
# accounts in /etc/dovecot/users. It logs to a file, for a node has no syslog daemon.
dovecot_serve() {
	local folder=$lab_dir/nodes/$1/root/etc/dovecot
	(($# > 1)) || dovecot_own >"$folder/accounts.conf"
	printf '%s\n' 'log_path = /var/log/dovecot.log' "!include ${2:-/etc/dovecot/accounts.conf}" \
		>"$folder/lab.conf"
	node_run "$1" dovecot -c /etc/dovecot/lab.conf
}

dovecot_own() {
	cat <<-'CONFIG'
		protocols =
		ssl = no
		auth_mechanisms = plain login
		disable_plaintext_auth = no
		auth_username_format =
		passdb {
			driver = passwd-file
			args = /etc/dovecot/users
		}
		service auth {
			unix_listener /dev/shm/sasl-auth.sock {
				mode = 0660
				user = postfix
				group = postfix
			}
		}
	CONFIG
}

# dovecot_user NAME PASSWORD: a line of /etc/dovecot/users; any octet may be in the password.
dovecot_user() {
	printf '%s:{PLAIN.B64}%s\n' "$1" "$(printf %s "$2" | openssl base64 -A)"
}
