#!/bin/bash
# check tries the files with the Postfix that is installed, without touching it.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

# all of it, with owners, modes, times and sizes
listing() {
	find /etc/postfix /var/spool/postfix /var/lib/postfix ! -type d \
		-printf '%i %m %u %g %s %T@ %C@ %p\n' 2>/dev/null | sort
	find /etc/postfix /var/spool/postfix /var/lib/postfix -type d \
		-printf '%i %m %u %g %T@ %C@ %p\n' 2>/dev/null | sort
}

# trees_in FOLDER: what was left of the temporary folders
trees_in() {
	find "$1" -maxdepth 1 -name 'postern-check-*' -newer "$work/before"
}

mkdir temporary
export TMPDIR=$work/temporary
listing >before
for topology in "$example" "$golden/chain.yaml"; do # test/postfix has the others
	confgen 0 check "$topology"
	says out "0 errors, 0 warnings"
done
listing | cmp before - || fail "check touched the installed Postfix"
[[ -z $(trees_in temporary) ]] || fail "left behind: $(trees_in temporary)"

TMPDIR=$work/absent confgen 3 check "$example"
says err "cannot try the files"
TMPDIR='' confgen 0 check "$example"

# an ordinary user: all but postfix check
chmod 755 "$work"
chmod 1777 temporary
cp "$example" example.yaml
if [[ $(id -u) == 0 ]] && setpriv --reuid=65534 --clear-groups test -x "$POSTERN_CONFGEN"; then
	status=0
	setpriv --reuid=65534 --clear-groups "$POSTERN_CONFGEN" check example.yaml >"$said/out" 2>"$said/err" ||
		status=$?
	[[ $status == 0 ]] || fail "as an ordinary user: $status, $(<"$said/out") $(<"$said/err")"
	PATH=$PATH:/usr/sbin command -v postconf >/dev/null && says err "not root"
fi

# parameters of a listener that undo what was derived, in each file that has some
cp -r "$golden/secrets" .
chmod 600 secrets/*
export POSTERN_TEST_PASSWORD=secret
sed -e 's/smtpd_hard_error_limit: 3/mynetworks: 10.0.0.0\/8/' \
	-e 's/smtpd_sasl_security_options: [^}]*/milter_macro_daemon_name: submissions, mynetworks: x/' \
	-e 's/{service: submissions, proxied_by: inner, through: same_port/{service: submissions, proxied_by: inner/' \
	"$golden/proxies.yaml" >listeners.yaml
confgen 0 check --no-postfix listeners.yaml
[[ $(grep -c "warning: 'mynetworks' undoes what follows from the topology: mynetworks = *\[extra-overrides\]" \
	"$said/out") == 2 ]] || fail "not both are told: $(<"$said/out")"
says out "0 errors, 4 warnings"

# asked not to, or not able to
confgen 0 check --no-postfix "$example"
says_nothing err
if [[ $(id -u) == 0 ]]; then
	mkdir none
	status=0
	# shellcheck disable=SC2016
	unshare --mount bash -c 'for folder in /usr/sbin /usr/local/sbin; do mount --bind none $folder; done
		PATH=/usr/bin "$@"' - "$POSTERN_CONFGEN" check "$example" >"$said/out" 2>"$said/err" || status=$?
	[[ $status == 0 ]] || fail "without Postfix: $status, $(<"$said/err")"
	says err "Postfix is not installed here"
fi
finish
