# Nodes of kind proxy: HAProxy or nginx with the rendered file, and the firewall that keeps everyone
# else from the ports where a node expects PROXY.
# shellcheck shell=bash disable=SC2154,SC2016

# Says what the lab lacks for the topology's proxies.
proxy_check() {
	local name software rules=("$lab_dir"/out/*/postern.nft)
	while read -r name software; do
		case $software in
		haproxy | nginx) need_programs "$software" ;;
		*) echo "postern-lab: $software cannot run here: nothing listens at node $name" >&2 ;;
		esac
	done < <(query '.nodes[] | select(.proxy != null) | "\(.name) \(.proxy.software)"')
	((${#rules[@]} == 0)) || need_programs nft
}

# proxy_of NODE: the proxy through which the Internet reaches the node's port 25, or nothing.
proxy_of() {
	node_query "$1" '[.proxied[]? | select(.port == 25).proxy][0] // empty'
}

proxy_serve() {
	local root path install mode
	root=$lab_dir/nodes/$1/root
	while read -r path install _ mode _; do
		[[ $install == /* ]] || continue
		node_path_check "$1" "$install"
		install -D -m "$mode" "$lab_dir/out/$path" "$root$install"
	done < <(node_files "$1")
	mkdir -p "$root"/var/{lib/haproxy,log/nginx,lib/nginx}
	touch "$root/var/log/nginx/error.log"
	ln -s nginx/error.log "$root/var/log/proxy.log"
	case $(node_query "$1" .proxy.software) in
	haproxy)
		node_run "$1" sh -c 'exec haproxy -D -p /run/haproxy.pid -f /etc/haproxy/haproxy.cfg 2>>/var/log/proxy.log' ||
			fail "HAProxy of node $1 does not start: $(<"$root/var/log/nginx/error.log")"
		;;
	nginx) node_run "$1" nginx || fail "nginx of node $1 does not start" ;;
	esac
}

# firewall_load NODE: the rules of a node of kind postfix; user-patches.sh loads those of DMS.
firewall_load() {
	[[ -z $(rendered "$1" postern.nft) ]] || node_run "$1" nft --file /etc/postern/postern.nft
}
