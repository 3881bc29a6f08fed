# Nodes of kind proxy: HAProxy or nginx with the rendered file, and the firewall that keeps everyone
# else from the ports where a node expects PROXY.
# shellcheck shell=bash disable=SC2154,SC2016

# Says what the lab lacks for the topology's proxies. Traefik and Caddy are no packages of Debian's: what
# their files say is not tried then, but the nodes behind them are, with the same ports and headers.
proxy_check() {
	local name software rules=("$lab_dir"/out/*/postern.nft)
	while read -r name software; do
		case $software in
		haproxy | nginx) need_programs "$software" ;;
		*)
			need_programs haproxy
			echo "postern-lab: $software cannot run here: HAProxy stands in for it at node $name" >&2
			;;
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
	[[ $(node_query "$1" .proxy.software) =~ ^(haproxy|nginx)$ ]] || proxy_stand_in "$1" "$root"
	mkdir -p "$root"/var/{lib/haproxy,log/nginx,lib/nginx}
	touch "$root/var/log/nginx/error.log"
	ln -s nginx/error.log "$root/var/log/proxy.log"
	case $(node_query "$1" .proxy.software) in
	haproxy | traefik | caddy)
		node_run "$1" sh -c 'exec haproxy -D -p /run/haproxy.pid -f /etc/haproxy/haproxy.cfg 2>>/var/log/proxy.log' ||
			fail "HAProxy of node $1 does not start: $(<"$root/var/log/nginx/error.log")"
		;;
	nginx) node_run "$1" nginx || fail "nginx of node $1 does not start" ;;
	esac
}

# proxy_stand_in NODE ROOT: HAProxy's configuration for the listeners behind a proxy that cannot run here.
proxy_stand_in() {
	local node port proxy_port version
	version=$(node_query "$1" .proxy.protocol)
	mkdir -p "$2/etc/haproxy"
	{
		printf '%s\n' global '    user haproxy' '    group haproxy' defaults '    mode tcp' \
			'    timeout connect 10s' '    timeout client 31m' '    timeout server 31m'
		while read -r node port proxy_port; do
			printf '%s\n' "listen $node-$port" "    bind 0.0.0.0:$port" "    bind [::]:$port v6only" \
				"    server $node $(proxy_target "$1" "$node"):$proxy_port send-proxy${version/#v1/}"
		done < <(query '.nodes[] | .name as $node | .proxied[]? | select(.proxy == $proxy) |
			"\($node) \(.port) \(.proxy_port)"' --arg proxy "$1")
	} | sed 's/send-proxyv2$/send-proxy-v2/' >"$2/etc/haproxy/haproxy.cfg"
}

# proxy_target PROXY NODE: the node's first address in a network where both are.
proxy_target() {
	local network address
	while read -r network address; do
		if [[ $network != internet && $'\n'${addresses_of[$1]} == *$'\n'"$network "* ]]; then
			echo "$address"
			return
		fi
	done <<<"${addresses_of[$2]}"
	sed -n 's/^internet //p;q' <<<"${addresses_of[$2]}"
}

# firewall_load NODE: the rules of a node of kind postfix; user-patches.sh loads those of DMS.
firewall_load() {
	[[ -z $(rendered "$1" postern.nft) ]] || node_run "$1" nft --file /etc/postern/postern.nft
}
