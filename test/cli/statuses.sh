#!/bin/bash
# Exit statuses of the program, and what it says to input that is no topology.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

# 0 clean, 1 findings, 2 usage, 3 unreadable
confgen 0 check "$example"
says out "0 errors, 0 warnings"
says_nothing err
confgen 0 render -o tree "$example"
says_nothing out
says_nothing err
confgen 0 --help
says out "Usage: postern-confgen"
confgen 0 --version
says out "postern-confgen "
confgen 0 render --help
confgen 2
says err "Usage: postern-confgen"
confgen 2 rendr
says err "did you mean 'render'?"
confgen 2 no-such-command-at-all
says err "there is no command"
confgen 2 check --no-such-option
confgen 2 check one.yaml two.yaml
confgen 2 render -o other --host nobody "$example"
absent other
confgen 2 render -o

# a preset, which replaces nothing
confgen 0 init
says out "dms-relay"
confgen 2 init dms-rela
says err "there is no preset 'dms-rela'; did you mean 'dms-relay'?"
confgen 2 init zzzzzzzzzzzz
says err "there is no preset 'zzzzzzzzzzzz'"
confgen 2 init dms-relay backup-mx
says err "only one preset at a time"
absent topology.yaml
confgen 0 init dms-relay -o new.yaml
cmp new.yaml "$example" || fail "init wrote something else"
echo mine >new.yaml
confgen 3 init dms-relay -o new.yaml
says err "cannot write new.yaml: File exists"
[[ $(<new.yaml) == mine ]] || fail "init replaced a file"
confgen 3 init dms-relay -o absent/new.yaml

# the page of a rule
confgen 0 explain R01
says out "# R01"
confgen 2 explain R0
says err "there is no page about 'R0'; did you mean 'R01'?"
confgen 2 explain no-such-rule-at-all
says err "there is no page about 'no-such-rule-at-all'"
confgen 2 explain dns-mising
says err "there is no page about 'dns-mising'; did you mean 'dns-missing'?"
confgen 2 explain unknown-name
says err "unknown-name: a name that nothing in the topology bears; there is no page about it"
confgen 0 explain '[Key-Gap]'
says out "# key-gap"
confgen 0 explain --list
says out "dns-missing"
confgen 2 explain --list R01
says err "--list goes without a rule"
confgen 2 explain
says err "which rule?"
confgen 2 explain R01 R02
says err "one rule at a time"
says_nothing out

# no topology, and what is none
confgen 3 check
says err "topology.yaml: error: cannot read the topology: No such file"
says_nothing out
confgen 3 render
says err "topology.yaml: error: cannot read the topology: No such file"
confgen 3 check absent.yaml
mkdir folder
confgen 3 check folder
says err "is a folder"
says_nothing out
confgen 3 check /dev/null
confgen 3 render -o other absent.yaml
absent other

cp "$example" topology.yaml
confgen 0 check --no-postfix
confgen 0 render
[[ -f out/manifest.json ]] || fail "render wrote to another place than out"

# unreadable, as a user that may not read it
install -m 0600 "$example" closed.yaml
chmod 755 "$work"
if [[ $(id -u) == 0 ]] && setpriv --reuid=65534 --clear-groups test -x "$POSTERN_CONFGEN"; then
	status=0
	setpriv --reuid=65534 --clear-groups "$POSTERN_CONFGEN" check closed.yaml \
		>"$work/said" 2>&1 || status=$?
	[[ $status == 3 ]] || fail "an unreadable topology ended with $status"
	grep -q "Permission denied" "$work/said" || fail "nothing about permissions: $(<"$work/said")"
fi

# malformed RULE [COMMAND...]: what the command writes, or else standard input, is refused by rule.
malformed() {
	cat >"$work/bad.yaml"
	confgen 1 check bad.yaml
	says out "[$1]"
	confgen 1 render -o bad bad.yaml
	absent "$work/bad"
	nothing_left "$work"
}

malformed yaml-empty </dev/null
echo '# nothing' | malformed yaml-empty
printf 'postern: 1\n\tdomains: {}\n' | malformed yaml-tab
printf 'postern: \xe4\n' | malformed yaml-encoding
printf 'p\0o\0' | malformed yaml-encoding
printf 'a: &x 1\nb: *x\n' | malformed yaml-anchor
printf 'a: 1\na: 2\n' | malformed yaml-duplicate-key
printf 'a: {b: [c\n' | malformed yaml-syntax
printf -- '---\na: 1\n---\nb: 1\n' | malformed yaml-document
{
	printf 'a: '
	printf '[%.0s' {1..20000}
} | malformed yaml-depth
echo 'just a text' | malformed wrong-type
{
	cat "$example"
	echo 'tests2: []'
} | malformed unknown-key

# five mistakes: five places in one run
sed -e 's/mailboxes: private/mailboxs: private/' -e 's/selector: mail/selector: [mail]/' \
	-e 's/vpn: 192.168.2.3/vpn: 192.168.3.3/' -e 's/trust: address/trust: everyone/' \
	-e 's/public, internet\]/public, internett]/' "$example" >five.yaml
confgen 1 check five.yaml
for place in 6:5 7:40 23:22 26:52 30:67; do
	says out "five.yaml:$place: error: "
done

# more than 16 MiB is not even read, and that is quick
truncate -s 50M large.yaml
start=$SECONDS
confgen 3 check large.yaml
says err "16 MiB"
((SECONDS - start < 10)) || fail "50 MB took $((SECONDS - start)) seconds"

# a pipe is as good as a file
mkfifo pipe.yaml
cat "$example" >pipe.yaml &
confgen 0 check --no-postfix pipe.yaml
wait
finish
