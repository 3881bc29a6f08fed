#!/bin/bash
# convert: what an opendkim.conf says, in our words; each line that is not carried over is told; postern-milter
# takes the result. test/guides/from-opendkim.md has OpenDKIM itself beside.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

# a line of the written file, whole
writes() {
	grep -qxF -- "$1" "$said/out" || {
		fail "not written: '$1'"
		cat "$said/out" >&2
	}
}

# takes it: postern-milter reads what was written
takes() {
	sed -e '1i user = "nobody"\nsocket_group = "nogroup"' "$said/out" >milter.conf
	"$POSTERN_MILTER" --test --config milter.conf >"$said/milter" 2>&1 || {
		fail "postern-milter refuses it"
		cat "$said/milter" milter.conf >&2
	}
}

mkdir root
for name in one two three; do
	openssl genrsa -out "root/$name.private" 2048 2>/dev/null
	chmod 600 "root/$name.private"
done

# all that is carried over: nothing is told
cat >opendkim.conf <<END
# a comment
domain		example.com, example.net	# names are in any case
Selector	mail
KeyFile		$work/root/one.private
SubDomains	yes
InternalHosts	127.0.0.1, ::1 10.0.0.0/8
Canonicalization relaxed
SignHeaders	From,To,Subject
OversignHeaders	From,To
Socket		inet:8891@localhost
SignatureTTL	864000
AuthservID	mx.example.com
DNSTimeout	10
Nameservers	127.0.0.1,::1
Mode		s
END
confgen 0 convert opendkim.conf
[[ ! -s $said/err ]] || fail "something was told: $(cat "$said/err")"
for line in 'internal_networks = {"127.0.0.1/32", "::1/128", "10.0.0.0/8"}' 'canonicalization = "relaxed/simple"' \
	'signed_headers = {"From", "To", "Subject"}' 'oversigned_headers = {"From", "To"}' \
	'socket = "inet:8891@127.0.0.1"' 'signature_lifetime = "864000s"' 'authserv_id = "mx.example.com"' \
	'dns_timeout = "10s"' 'dns_servers = {"127.0.0.1", "::1"}' 'domain "example.net" {' '    subdomains = {"*"}' \
	"    key \"mail\" { file = \"$work/root/one.private\" }" 'listener "*" { mode = sign }'; do
	writes "$line"
done
takes

# OpenDKIM's defaults are not ours
printf '%s\n' 'Domain example.com' 'Selector mail' "KeyFile $work/root/one.private" >opendkim.conf
confgen 0 convert opendkim.conf
writes 'canonicalization = "simple/simple"'
writes 'internal_networks = {"127.0.0.1/32"}'
writes 'listener "*" { mode = both }'
takes

# tables below another root: sub-domains, two keys of a domain, single addresses
mkdir -p root/etc
printf '%s\n' "a example.com:one:$work/root/one.private" "b example.com:two:$work/root/two.private" \
	"c example.org:three:$work/root/three.private" >root/etc/KeyTable
printf '%s\n' '*@shop.example.com b' '*@example.com b' '*@example.com a' 'me@example.org c' '.example.org c' \
	>root/etc/SigningTable
printf '%s\n' '127.0.0.1 # us' '!10.1.1.1' host.example 10.0.0.0/8 192.0.2.0/24 >root/etc/Trusted
printf '%s\n' 'KeyTable refile:/etc/KeyTable' 'SigningTable refile:/etc/SigningTable' 'PidFile /run/x' \
	'InternalHosts file:/etc/Trusted' 'Nonsense 1' 'Include /etc/other' 'Selector' >opendkim.conf
confgen 1 convert --root root --output written opendkim.conf
cp written "$said/out"
for text in 'opendkim.conf:3:1: warning: PidFile' 'opendkim.conf:5:1: warning: Nonsense' \
	'opendkim.conf:6:1: warning: Include' 'opendkim.conf:7:1: warning: this line is no NAME VALUE' \
	'root/etc/Trusted:2:1: warning: 10.0.0.0/8 is not carried over, because of the exception !10.1.1.1' 'root/etc/Trusted:3:1: warning: the internal host' \
	'root/etc/SigningTable:3:1: warning: the key a' 'root/etc/SigningTable:4:1: warning: all mail of example.org'; do
	says err "$text"
done
writes 'internal_networks = {"127.0.0.1/32", "192.0.2.0/24"}'
writes '    subdomains = {"shop.example.com"}'
writes "    key \"two\" { file = \"$work/root/two.private\" }"
writes '    subdomains = {"*"}'
! grep -q one.private written || fail "the second key of a domain signs"
takes
echo 'MultipleSignatures yes' >>opendkim.conf
confgen 1 convert --root root opendkim.conf
writes "    key \"one\" { file = \"$work/root/one.private\" }"
takes

# nothing of what it cannot read, or cannot write in quotes
cp written before
rm root/etc/SigningTable
confgen 3 convert --root root --output written opendkim.conf
says err 'root/etc/SigningTable cannot be read: No such file or directory'
cmp written before || fail "the file was changed"
printf '%s\n' 'Domain example.com' 'Selector mail' 'KeyFile /a"; } user = "root' >opendkim.conf
confgen 1 convert opendkim.conf
! grep -q 'root' "$said/out" || fail "a path became a setting"
printf '%s\n' 'KeyTable ldap://secret@x' >opendkim.conf
confgen 1 convert opendkim.conf
says err 'is no file'
true >empty
confgen 1 convert empty
says err 'nothing is signed'
confgen 3 convert absent
confgen 3 convert .
confgen 2 convert a b
finish
