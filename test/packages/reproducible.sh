#!/usr/bin/env bash
# reproducible.sh PACKAGES: another build of the same sources, elsewhere, with other settings of the user's and
# without a compiler's cache, gives the same octets.
set -euo pipefail

first=$1
work=$(mktemp -d -t postern-reproducible-XXXXXX)
trap 'rm -rf "$work"' EXIT
copy=$work/a/longer/path/to/postern
mkdir -p "$copy"
tar -C "$POSTERN_SOURCE" --exclude=./build --exclude='./build-*' --exclude=./.git -c . | tar -C "$copy" -x
find "$copy" -exec touch --no-dereference --date=2001-02-03 {} +

# who builds again has another umask, time zone, language, home and name of the day
(
	umask 077
	env --unset=CMAKE_C_COMPILER_LAUNCHER --unset=SOURCE_DATE_EPOCH CCACHE_DISABLE=1 \
		TZ=Asia/Kathmandu LC_ALL=C HOME="$work" "$copy/scripts/package.sh" "$work/second" >"$work/log" 2>&1
) || {
	tail -n 20 "$work/log"
	echo "not ok: the second build failed"
	exit 1
}

# list PACKAGE: what can differ
list() {
	local folder=$work/unpacked
	ar tv "$1"
	dpkg-deb --info "$1"
	dpkg-deb --contents "$1"
	dpkg-deb --raw-extract "$1" "$folder"
	(cd "$folder" && find . -type f -exec sha256sum {} +) | sort --key=2
	rm -rf "$folder"
}

failed=0 count=0
for package in "$first"/*.deb; do
	count=$((count + 1))
	other=$work/second/${package##*/}
	cmp -- "$package" "$other" && continue
	failed=$((failed + 1))
	list "$package" >"$work/told.first"
	list "$other" >"$work/told.second"
	diff "$work/told.first" "$work/told.second" || true
done
[ "$count" -eq 4 ] || failed=$((failed + 1))
echo "$count packages, $failed that differ"
[ "$failed" -eq 0 ]
