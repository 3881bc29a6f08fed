#!/bin/bash
# golden.sh [--update] NAME TOPOLOGY: renders a topology and compares the tree, modes included, with
# expected/NAME; with --update, rewrites that. README says what this is for.
set -euo pipefail
shopt -s nullglob

update=
if [[ $1 == --update ]]; then
	update=1
	shift
fi
name=$1 topology=$2
expected=$POSTERN_SOURCE/test/golden/expected/$name
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export POSTERN_TEST_PASSWORD=pässwort
export SES_PASSWORD=ses-secret MAILGUN_PASSWORD=mailgun-secret INVOICES_PASSWORD=invoices-secret

# git keeps no mode but the executable bit, so the secrets get theirs in a copy; and the modes that
# the tree must have stand in a file.
cp -r "$(dirname "$topology")" "$work/source"
secrets=("$work"/source/secrets/*)
((${#secrets[@]} == 0)) || chmod 600 "${secrets[@]}"

render() {
	"$POSTERN_CONFGEN" render -o "$1" "$work/source/$(basename "$topology")" 2>"$work/errors" || {
		echo "render failed with status $?:" >&2
		cat "$work/errors" >&2
		exit 1
	}
	[[ ! -s $work/errors ]] || {
		echo "render wrote to standard error:" >&2
		cat "$work/errors" >&2
		exit 1
	}
}

modes() {
	(cd "$1" && find . -printf '%m %y %P\n' | LC_ALL=C sort -k3)
}

render "$work/out"
modes "$work/out" >"$work/modes"
if [[ -n $update ]]; then
	rm -rf "$expected"
	mkdir -p "$expected"
	cp -r --no-preserve=mode "$work/out/." "$expected"
	cp "$work/modes" "$expected.modes"
	exit 0
fi

diff -u "$expected.modes" "$work/modes"
diff -ru "$expected" "$work/out"

# The same again is the same tree, and one that is in place already is not touched.
render "$work/again"
diff -r "$work/out" "$work/again"
diff "$work/modes" <(modes "$work/again")
inodes() {
	(cd "$work" && find out -printf '%i %m %T@ %C@ %p\n' | LC_ALL=C sort)
}
inodes >"$work/before"
render "$work/out"
diff "$work/before" <(inodes)
