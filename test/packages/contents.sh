#!/usr/bin/env bash
# contents.sh PACKAGES: what lintian and systemd-analyze say of the packages; and `cmake --install` gives the
# same, complete, to any folder, and still after that was moved.
set -euo pipefail

packages=$1
work=$(mktemp -d -t postern-contents-XXXXXX)
trap 'rm -rf "$work"' EXIT
failed=0
checks=0

# check NAME COMMAND...: the command must succeed
check() {
	checks=$((checks + 1))
	"${@:2}" >"$work/said" 2>&1 && return
	echo "not ok: $1:"
	head -n 40 "$work/said"
	failed=$((failed + 1))
}

# verify_unit ROOT UNIT: systemd-analyze has nothing to say of it
verify_unit() {
	local said
	said=$(systemd-analyze verify --man=no --recursive-errors=no --root="$1" "$2" 2>&1)
	[ -z "$said" ] || {
		echo "$said"
		return 1
	}
}

lacks() { ! grep -rlF -e "$@"; }

explains() { "$1" explain "$2" | diff - "$3"; }

if command -v lintian >/dev/null; then
	check "lintian" lintian --allow-root --fail-on error "$packages"/*.deb
else
	echo "lintian is not installed: its judgement is left out (Debian package lintian)"
fi

for package in "$packages"/*.deb; do
	dpkg-deb --extract "$package" "$work/root"
done
units=$work/root/usr/lib/systemd/system
if command -v systemd-analyze >/dev/null; then
	for service in milter gate; do
		check "exposure of postern-$service" systemd-analyze security --offline=true --threshold=20 \
			--no-pager "$units/postern-$service.service"
	done
	# it looks for the programs; those of this machine stand in for /bin/kill and systemd-tmpfiles
	mkdir -p "$work/root/usr/bin"
	ln -s usr/bin "$work/root/bin"
	cp /bin/true "$work/root/usr/bin/kill"
	for unit in "$units"/postern-*; do
		check "${unit##*/}" verify_unit "$work/root" "${unit##*/}"
	done
else
	echo "systemd-analyze is missing: its judgement is left out (Debian package systemd)"
fi

# the scripts of the maintainer
for service in milter gate; do
	dpkg-deb --control "$packages/postern-${service}"_*.deb "$work/$service"
	for script in postinst prerm postrm; do
		check "$script of postern-$service" dash -n "$work/$service/$script"
		check "$script of postern-$service" shellcheck "$work/$service/$script"
	done
	check "conffiles" grep -qx "/etc/default/postern-$service" "$work/$service/conffiles"
	check "no debconf" test ! -e "$work/$service/config"
done

check "the completion for bash" shellcheck --shell=bash "$work/root/usr/share/bash-completion/completions/postern-confgen"

# an installation by hand, as its user, somewhere, and moved
check "cmake --install" cmake --install "$POSTERN_SOURCE/build/package" --prefix "$work/first"
mv "$work/first" "$work/moved"
(cd "$work/root/usr" && find . ! -type d | sed 's/\.gz$//; s/vendor-completions/site-functions/' | grep -v '/changelog\.Debian$\|^\./bin/kill$' | sort) >"$work/packaged"
(cd "$work/moved" && find . ! -type d | sort) >"$work/by_hand"
check "the packages have what cmake installs" diff "$work/packaged" "$work/by_hand"
check "nothing knows where it was built" lacks "$POSTERN_SOURCE" "$work/root" "$work/moved"

confgen=$work/moved/bin/postern-confgen
topology=$work/moved/share/doc/postern-confgen/examples/dms-relay/topology.yaml
check "check" "$confgen" check --no-postfix "$topology"
check "render" "$confgen" render --output="$work/built-in" "$topology"
check "render with the templates" "$confgen" render --output="$work/installed" \
	--templates="$work/moved/share/postern/templates" "$topology"
check "the installed templates are those built in" diff -r "$work/built-in" "$work/installed"
check "explain" explains "$confgen" R01 "$work/moved/share/doc/postern-confgen/rules/R01.md"
check "postern-lab" "$work/moved/sbin/postern-lab" --help
check "postern-milter" "$work/moved/sbin/postern-milter" --version
check "postern-gate" "$work/moved/sbin/postern-gate" --version
check "the gate's example" "$work/moved/sbin/postern-gate" --test \
	--config="$work/moved/share/doc/postern-gate/examples/postern-gate.conf"
check "paths in units" grep -q "^ExecStart=$work/first/sbin/postern-milter " \
	"$work/moved/lib/systemd/system/postern-milter.service"

echo "$checks checks, $failed failed"
[ "$failed" -eq 0 ]
