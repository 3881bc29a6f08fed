#!/bin/bash
# Every file that a later release may read in another way says its version: one that is not known is refused, with
# the place and what to do; one that says none is of the first.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

sed 's/^postern: 1/postern: 2/' "$example" >topology.yaml
confgen 1 check topology.yaml
says out 'topology.yaml:2:10: error: this is version 2 of the language'
says out 'hint: a newer topology needs a newer postern-confgen'
sed '/^postern:/d' "$example" >topology.yaml
confgen 1 check topology.yaml
says out "'postern'"

# daemon PROGRAM LINES: its file without a version, of version 1, and of version 2
daemon() {
	local program=$1 version status
	for version in '' 'postern = 1' 'postern = 2'; do
		printf '%s\n%s\n' "$version" "$2" >daemon.conf
		status=0
		"$program" --test --config daemon.conf >"$said/err" 2>&1 || status=$?
		if [[ $version == *2 ]]; then
			[[ $status == 1 ]] || fail "$program took '$version'"
			says err "daemon.conf:1:11: error: the file is of version '2', but this program reads version 1"
			says err 'hint: a newer file needs a newer program'
		elif [[ $status != 0 ]]; then
			fail "$program refused '$version'"
			cat "$said/err" >&2
		fi
	done
}

openssl genrsa -out key 2048 2>/dev/null
chmod 600 key
daemon "$POSTERN_MILTER" "user = nobody
socket_group = nogroup
domain \"example.com\" { selector = mail key = \"$work/key\" }"
daemon "$POSTERN_GATE" 'user = nobody
listener "smtp" { addresses = "127.0.0.1:25" trusted_proxies = {"192.0.2.10"} proxied_service = "/run/x" }'

# what apply remembers: a state of another format is not gone back to
states=$work/states/apply/$(printf '%s' "$work/etc" | sed 's|/|%2F|g')
mkdir -p "$states/0001" etc
printf '{"state": 1, "kind": "apply", "files": []}' >"$states/0001/state.json"
confgen 0 rollback --list --config-dir "$work/etc" --state-dir "$work/states"
says out 1
printf '{"format": 2, "state": 1, "kind": "apply", "files": []}' >"$states/0001/state.json"
confgen 3 rollback --list --config-dir "$work/etc" --state-dir "$work/states"
says err 'one is damaged, or of a newer postern-confgen'
finish
