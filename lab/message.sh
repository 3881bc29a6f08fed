# Messages, and the checks for what a lab needs of the machine.
# shellcheck shell=bash

fail() {
	printf 'postern-lab: %s\n' "$*" >&2
	exit 1
}

misuse() {
	printf 'postern-lab: %s; see postern-lab --help\n' "$*" >&2
	exit 2
}

# Debian packages of the programs that every lab, or a lab with SASL, needs.
declare -A package_of=(
	[ip]=iproute2 [bridge]=iproute2 [jq]=jq [nsd]=nsd [nsenter]=util-linux [openssl]=openssl
	[postfix]=postfix [setsid]=util-linux [unshare]=util-linux [dovecot]=dovecot-core
	[haproxy]=haproxy [nginx]="nginx-light and libnginx-mod-stream" [nft]=nftables
)

need_root() {
	((EUID == 0)) || fail "needs root, to make namespaces and to run Postfix"
}

# need_programs PROGRAM...: names every missing program and its package, then fails.
need_programs() {
	local program missing=()
	for program; do
		command -v "$program" >/dev/null || missing+=("$program (Debian package ${package_of[$program]})")
	done
	((${#missing[@]} == 0)) && return
	printf 'postern-lab: missing program: %s\n' "${missing[@]}" >&2
	exit 1
}

# wait_until TENTHS COMMAND...: polls the command until it succeeds; false when time is up.
wait_until() {
	local tenths=$1 round
	shift
	for ((round = 0; round < tenths * 5; round++)); do
		"$@" && return 0
		sleep 0.02
	done
	return 1
}

# for_each FUNCTION ITEM...: calls the function for all items at the same time; fails if one failed.
for_each() {
	local function=$1 item failed=0
	local -A processes=()
	shift
	for item; do
		"$function" "$item" &
		processes[$item]=$!
	done
	for item; do
		wait "${processes[$item]}" || {
			printf 'postern-lab: %s %s failed\n' "${function//_/ }" "$item" >&2
			failed=1
		}
	done
	((failed == 0)) || exit 1
}
