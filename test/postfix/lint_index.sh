#!/bin/bash
# What lint says about the times and modes of table files; indexes are made by the real postmap(1).
set -euo pipefail

confgen=${POSTERN_CONFGEN:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
work=$scratch/folder
mkdir "$work" "$scratch/postmap"
echo 'compatibility_level = 3.6' >"$scratch/postmap/main.cf"
command -v postmap >/dev/null || {
	echo "Postfix is not installed" >&2
	exit 77
}

# expect RULE COUNT WHAT: how many findings of the rule the folder gives
expect() {
	local found
	found=$("$confgen" lint "$work" | grep -c "\[$1\]$") || true
	[[ $found == "$2" ]] || {
		echo "$3: $found findings of $1, not $2" >&2
		exit 1
	}
}

cat >"$work/main.cf" <<'MAIN'
compatibility_level = 3.6
transport_maps = hash:/etc/postfix/transport
virtual_alias_maps = mysql:/etc/postfix/virtual.cf
smtp_sasl_password_maps = inline:{[host]:587=user:s3cret
MAIN
echo 'example.com relay:[192.0.2.1]' >"$work/transport"
printf 'user = postfix\npassword = s3cret\n' >"$work/virtual.cf"

expect M02 0 "a folder without any index"
postmap -c "$scratch/postmap" "hash:$work/transport"
expect M02 0 "a fresh index"
touch -d '1 hour' "$work/transport"
expect M02 1 "an old index"
touch -d '2 hours' "$work/transport.db"
expect M02 0 "an index that is newer"
echo 'transport_maps = hash:/etc/postfix/transport, hash:/etc/postfix/more' >>"$work/main.cf"
echo 'example.org relay:' >"$work/more"
expect M02 1 "a missing index beside another"
rm "$work/more"
expect M02 1 "a missing source and index"

chmod 644 "$work/virtual.cf"
expect M08 1 "a password that everybody can read"
chmod 640 "$work/virtual.cf"
expect M08 0 "a password that nobody else can read"
expect M05 1 "a password table with a brace missing"
if "$confgen" lint "$work" | grep s3cret; then
	echo "a password is shown" >&2
	exit 1
fi
