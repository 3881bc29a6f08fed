# Nodes of kind smarthost: someone else's relay. It takes mail for anyone from who logs in with the
# credentials that its clients' rendered files hold, or, without logins, from the topology's
# addresses.
# shellcheck shell=bash disable=SC2154

smarthost_serve() {
	local host port wrapper login service
	IFS=$'\t' read -r host port wrapper login < <(node_query "$1" \
		'.smarthost | "\(.host)\t\(.port)\t\(.wrapper // false)\t\(.login // false)"')
	postfix_base "$1" smarthost
	service=$port/inet
	[[ $port != 25 ]] || service=smtp/inet
	node_run "$1" postconf -M "$service=${service%/inet} inet n - n - - smtpd"
	if [[ $wrapper == true ]]; then
		node_run "$1" postconf -P "$service/smtpd_tls_wrappermode=yes"
	fi
	if [[ $login == true ]]; then
		smarthost_users "$host" "$port" >"$lab_dir/nodes/$1/root/etc/dovecot/users"
		dovecot_serve "$1"
		node_run "$1" postconf -P "$service/smtpd_sasl_auth_enable=yes"
	else
		node_run "$1" postconf -e "mynetworks = $(internet_addresses |
			sed '/:/s|.*|[&]/128|; /:/!s|$|/32|' | paste -sd ' ')"
	fi
	messages_copy "$1"
	postfix_begin "$1"
}

# smarthost_users HOST PORT: the credentials for it: keyed by next hop, or by sender (DMS).
smarthost_users() {
	local key value
	rendered_credentials | sort -u | while read -r key value; do
		case $key in
		"$1" | "[$1]" | "$1:$2" | "[$1]:$2" | *@*) dovecot_user "${value%%:*}" "${value#*:}" ;;
		esac
	done
}
