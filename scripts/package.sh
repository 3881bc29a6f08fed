#!/usr/bin/env bash
# Builds the Debian packages of this tree: scripts/package.sh [FOLDER]
# They go to FOLDER, which is packages/ in the build folder of the package preset if it is not given. The same
# sources give the same octets, wherever and whenever they are built with the same compiler: the time is that
# of packaging/debian/changelog, or SOURCE_DATE_EPOCH.
set -euo pipefail

[ $# -le 1 ] || {
	echo "usage: scripts/package.sh [FOLDER]" >&2
	exit 2
}
target=${1:+$(realpath -m -- "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
umask 022
built=$PWD/build/package/packages
target=${target:-$built}

cmake --preset package >/dev/null
cmake --build --preset package -- --quiet
rm -rf -- "$built"
cpack --config build/package/CPackConfig.cmake -B "$built" >"$built.log" 2>&1 || {
	cat "$built.log" >&2
	exit 1
}
rm -rf -- "$built/_CPack_Packages" "$built.log"
mkdir -p -- "$target"
for package in "$built"/*.deb; do
	[ "$target" = "$built" ] || cp -- "$package" "$target/"
	echo "$target/${package##*/}"
done
