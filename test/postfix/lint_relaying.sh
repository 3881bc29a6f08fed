#!/bin/bash
# What lint says about relaying, judged by a real smtpd(8): a stranger asks each fixture to relay.
# The mount and network namespaces keep this host's own Postfix out of it.
set -euo pipefail

source=${POSTERN_SOURCE:?}
fixtures=$source/test/lint/fixtures

skip() {
	echo "$1" >&2
	exit 77
}

[[ $(id -u) == 0 ]] || skip "needs root, for namespaces"
[[ -x /usr/sbin/postfix && -d /var/spool/postfix ]] || skip "Postfix is not installed"
unshare --net --mount true 2>/dev/null || skip "no namespaces here"

# Asks 203.0.113.5 as 198.51.100.9 to relay; prints the answer, or nothing if there is none.
ask() {
	/usr/bin/python3 - "$1" <<'PYTHON'
import socket, sys

def talk(file, connection, command=None):
    if command:
        connection.sendall(command + b"\r\n")
    while True:
        line = file.readline().decode()
        if line[3:4] != "-":
            return line.strip()

try:
    connection = socket.create_connection(("203.0.113.5", int(sys.argv[1])), timeout=5,
                                          source_address=("198.51.100.9", 0))
    file = connection.makefile("rb")
    for command in (None, b"EHLO stranger.test", b"MAIL FROM:<joe@example.org>"):
        talk(file, connection, command)
    print(talk(file, connection, b"RCPT TO:<x@elsewhere.test>"))
except (OSError, IndexError):
    pass
PYTHON
}

# Boots a fixture in this namespace; prints open, refused or fatal.
boot() {
	local folder=$1 root answer port=25
	root=$(mktemp -d "${TMPDIR:-/tmp}/lint-relaying.XXXXXX")
	mount -t tmpfs none "$root"
	cp -a /etc/postfix "$root/etc"
	cp -a /var/spool/postfix "$root/spool"
	cp -a /var/lib/postfix "$root/lib"
	mount --bind "$root/etc" /etc/postfix
	mount --bind "$root/spool" /var/spool/postfix
	mount --bind "$root/lib" /var/lib/postfix
	rm -f "$root"/spool/pid/*
	[[ -f $folder/master.cf ]] || cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
	cp "$folder"/* /etc/postfix/
	grep -q '^2525' /etc/postfix/master.cf && port=2525
	sed -i -E 's/^((smtp|2525) +inet +n +- +)[y-]/\1n/; s/^([a-z]+ +unix +[n-] +[n-] +)y/\1n/' \
		/etc/postfix/master.cf
	echo 'postlog unix-dgram n - n - 1 postlogd' >>/etc/postfix/master.cf
	# both addresses are this host's own, so the default would trust the stranger
	printf '\n%s\n' "maillog_file = $root/log" "maillog_file_prefixes = $root" \
		'inet_protocols = ipv4' 'alias_maps =' 'mynetworks = 127.0.0.0/8' >>/etc/postfix/main.cf
	ip link set lo up
	ip address add 198.51.100.9/32 dev lo
	ip address add 203.0.113.5/32 dev lo
	timeout 30 postfix start >/dev/null 2>&1
	answer=$(ask "$port")
	timeout 30 postfix stop >/dev/null 2>&1 || true
	if grep -q 'specify at least one working instance' "$root/log"; then
		echo fatal
	elif [[ $answer == 250* ]]; then
		echo open
	elif [[ $answer == [45]*denied* ]]; then
		echo refused
	else
		echo "unclear: $answer"
		cat "$root/log" >&2
	fi
}

if [[ ${1:-} == --boot ]]; then
	boot "$2"
	exit
fi

failed=0
while read -r case expected; do
	# the namespaces take processes and mounts along when they end
	found=$(timeout 90 unshare --net --mount --pid --fork --kill-child --mount-proc \
		"$0" --boot "$fixtures/$case")
	echo "$case: $found"
	if [[ $found != "$expected" ]]; then
		echo "$case: expected $expected" >&2
		failed=1
	fi
done <<'CASES'
R07/bad fatal
R07/bad-2 fatal
R07/bad-3 fatal
R07/good refused
R07/good-2 refused
R08/bad fatal
R08/bad-2 open
R08/bad-3 open
R08/good refused
R08/good-2 refused
R21/bad open
R21/good refused
R21/good-2 refused
CASES
rmdir "${TMPDIR:-/tmp}"/lint-relaying.?????? 2>/dev/null || true
exit "$failed"
