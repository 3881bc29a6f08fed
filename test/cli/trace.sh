#!/bin/bash
# trace and test: statuses, formats, and what they say to wrong usage.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

# 0: it arrives, 1: it does not, 2: wrong usage, 3: no topology
confgen 0 trace --at public --client 203.0.113.9 --to user@example.com "$example"
says out "=> delivered at private"
says out "public/transport:3, from $example:"
says_nothing err
confgen 1 trace --at public --client 203.0.113.9 --to x@elsewhere.test "$example"
says out "=> rejected at public: 554 5.7.1 <x@elsewhere.test>: Relay access denied"
confgen 0 trace --explain -a private -c local -T x@elsewhere.test -F user@example.com "$example"
says out "signed by example.com"
says out "| @example.com "
confgen 2 trace --client 203.0.113.9 --to user@example.com "$example"
says err "--at, --client and --to are needed"
confgen 2 trace --at publik --client 203.0.113.9 --to user@example.com "$example"
says err "did you mean 'public'?"
confgen 2 trace --at public:imap --client 203.0.113.9 --to user@example.com "$example"
says err "no SMTP listener 'imap'"
confgen 2 trace --at public --client here --to user@example.com "$example"
says err "neither an IP address nor"
confgen 2 trace --at public --client 203.0.113.9 --to nobody "$example"
confgen 2 trace --at public --client 203.0.113.9 --to user@example.com --size 0 "$example"
confgen 2 trace --at public --client 203.0.113.9 --to user@example.com --size -1 "$example"
confgen 2 trace --at public --client 203.0.113.9 --to user@example.com --format xml "$example"
confgen 2 trace --at public --client local --auth u --to user@example.com "$example"
confgen 3 trace --at public --client 203.0.113.9 --to user@example.com absent.yaml
says_nothing out

confgen 0 trace --format json -a public -c 203.0.113.9 -T user@example.com "$example"
jq -e '.outcome == "delivered" and .end == "private" and ([.hops[].node] == ["public", "private"])
	and (.steps | all(.rendered == null or .rendered.line > 0))' "$said/out" >/dev/null ||
	fail "the JSON of trace is not what it should be"

# tests: those of the topology first, then those of every one
confgen 0 test "$example"
says out "TAP version 13"
says out "ok 1 - mail comes in"
says out "a forged PROXY header gets nowhere at public (port 25, IPv4)"
says_nothing err
confgen 0 test --own "$example"
says out "1..5"
confgen 0 test --only relays "$example"
confgen 2 test --only "no such test" "$example"
confgen 2 test --lab x "$example"
confgen 2 test --format sarif "$example"
confgen 3 test absent.yaml

# a test that fails, with the way of its message and the place
sed 's/expect: {delivered_at: private}}/expect: rejected}/' "$example" >wrong.yaml
confgen 1 test wrong.yaml
says out "not ok 1 - mail comes in"
says out "# wrong.yaml:33:5"
says out "outcome: expected rejected, but it is delivered at private"
says out "delivered into the mailbox user@example.com"
confgen 1 test --format junit wrong.yaml
python3 -c 'import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()[0]
assert suite.get("failures") == "1" and len(suite.findall("testcase")) == int(suite.get("tests"))
assert "expected rejected" in suite.find("testcase/failure").get("message")' "$said/out" ||
	fail "the JUnit report is not what it should be"
confgen 1 test --format json wrong.yaml
jq -e '.failed == 1 and (.tests[0] | .ok == false and .line == 33 and .messages[0].lab == null)' \
	"$said/out" >/dev/null || fail "the JSON of test is not what it should be"

# output that cannot be written
status=0
"$POSTERN_CONFGEN" test "$example" >/dev/full 2>"$said/err" || status=$?
[[ $status == 3 ]] || fail "a full disk ended with $status"
says err "cannot write the output"

# a name that looks like a directive, or like XML, is only a name
sed 's/{name: mail comes in, /{name: "a # TODO <\&> b", /' wrong.yaml >odd.yaml
confgen 1 test --own odd.yaml
says out 'not ok 1 - a \# TODO <&> b'
confgen 1 test --own --format junit odd.yaml
says out 'name="a # TODO &lt;&amp;&gt; b"'

# a hole that the topology itself makes is found
sed 's/^    tls:/    extra: {mynetworks: "0.0.0.0\/0"}\n    tls:/' "$example" >open.yaml
confgen 1 test open.yaml
says out "not ok 6 - public relays nothing for strangers (port 25, IPv4)"

# passwords are not needed, and templates may be the user's own
confgen 0 test "$POSTERN_SOURCE/examples/smarthosts/topology.yaml"
mkdir -p mine/postfix
sed 's/reject_unauth_destination/permit/' "$POSTERN_SOURCE/templates/postfix/main.cf" >mine/postfix/main.cf
confgen 1 test --templates mine "$example"
says out "not ok 2 - strangers cannot relay"

# what the lab needs, root first
if [[ $(id -u) == 0 ]] && setpriv --reuid=65534 --clear-groups test -x "$POSTERN_CONFGEN"; then
	chmod 755 "$work"
	status=0
	setpriv --reuid=65534 --clear-groups "$POSTERN_CONFGEN" test --live open.yaml \
		>"$work/said" 2>&1 || status=$?
	[[ $status == 3 ]] || fail "--live without root ended with $status"
	grep -q "needs root" "$work/said" || fail "nothing about root: $(<"$work/said")"
	mkdir "$work/tmp"
	export TMPDIR=$work/tmp
	confgen 3 test --live --lab /nonexistent/lab "$example"
	says err "name the lab with --lab"
	confgen 3 test --live --lab /bin/false "$example"
	says err "the lab failed"
	[[ -z $(ls -A "$TMPDIR") ]] || fail "left behind: $(ls -A "$TMPDIR")"
fi

finish
