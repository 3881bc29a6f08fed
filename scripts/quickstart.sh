#!/usr/bin/env bash
# From a fresh Debian 12 (as root) to a relay pair that works: installs what is missing, builds,
# renders the example, boots its hosts in network namespaces, and sends mail in and out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
. scripts/setup.sh

[ "$(id -u)" -eq 0 ] || {
	echo "quickstart.sh needs root: it installs packages and makes network namespaces" >&2
	exit 1
}
started=$SECONDS
install_packages "${BUILD_PACKAGES[@]}" "${LAB_PACKAGES[@]}"

echo "building ..."
cmake -S . -B build/quickstart -G Ninja -DPOSTERN_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build build/quickstart -- --quiet
confgen=build/quickstart/confgen/postern-confgen
milter=build/quickstart/milter/postern-milter

topology=examples/dms-relay/topology.yaml
work=$(mktemp -d)
lab=quickstart-$$
lab() { lab/postern-lab "$@"; }
finish() {
	lab down "$lab" >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap finish EXIT

echo
echo "== $topology, checked and rendered"
"$confgen" check "$topology"
"$confgen" render --output="$work/out" "$topology"
(cd "$work/out" && find . -type f | sort | sed 's|^\./|   |')

echo
echo "== its hosts, booted as real Postfix"
lab up "$work/out" --name "$lab" --milter "$milter"

# message FROM TO SUBJECT
message() {
	printf 'From: %s\nTo: %s\nSubject: %s\nDate: %s\nMessage-ID: <%s@quickstart.invalid>\n\nHello.\n' \
		"$1" "$2" "$3" "$(date -R)" "$RANDOM$RANDOM"
}

# await NODE MAILDIR FILE: waits for the first message in a Maildir of the node and stores it
await() {
	local tries
	for ((tries = 0; tries < 150; tries++)); do
		# shellcheck disable=SC2016 # the node's shell expands it
		if lab exec "$lab" "$1" sh -c 'cat "$1"/new/* 2>/dev/null' sh "$2" >"$3" && [ -s "$3" ]; then
			return 0
		fi
		sleep 0.2
	done
	echo "the message did not arrive at $1; its log says:" >&2
	lab log "$lab" "$1" >&2
	return 1
}

# hops FILE: the Received fields in the order of the journey
hops() {
	awk '
		/^$/ { exit }
		/^[^ \t]/ { if (field ~ /^Received:/) list[++n] = field; field = $0; next }
		{ sub(/^[ \t]+/, " "); field = field $0 }
		END {
			if (field ~ /^Received:/) list[++n] = field
			for (i = n; i > 0; i--) {
				sub(/^Received: */, "", list[i]); sub(/;.*/, "", list[i])
				printf "   %d. %s\n", n - i + 1, list[i]
			}
		}' "$1"
}

echo
echo "== a stranger writes to user@example.com"
message stranger@elsewhere.test user@example.com "in" |
	lab exec "$lab" internet sendmail -f stranger@elsewhere.test user@example.com
await private /var/mail/example.com/user "$work/in"
hops "$work/in"
echo "   delivered into the mailbox at private"

echo
echo "== user@example.com answers"
message user@example.com stranger@elsewhere.test "out" |
	lab exec "$lab" private sendmail -f user@example.com stranger@elsewhere.test
await internet /var/mail/elsewhere.test "$work/out-message"
hops "$work/out-message"
echo "   arrived at mx.elsewhere.test"
echo "   DKIM-Signature fields: $(grep -c '^DKIM-Signature:' "$work/out-message")"
echo "   verified with the key from the DNS: $(
	lab exec "$lab" internet dkimverify <"$work/out-message" 2>&1 || true
)"
grep -q '^DKIM-Signature:' "$work/out-message"
lab exec "$lab" internet dkimverify <"$work/out-message" >/dev/null 2>&1

echo
echo "done in $((SECONDS - started)) seconds; nothing of the lab is left on this machine"
