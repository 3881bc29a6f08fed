#!/bin/bash
# What a stranger's file or file name says reaches the terminal as text, never as a command.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

# quiet_terminal WHAT: no control character but line feed and tab came out.
quiet_terminal() {
	LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$said"/* &&
		fail "$1: control characters came out: $(cat -v "$said"/* | head -5)"
	return 0
}

escape=$'\x1b]0;owned\x07'
printf 'postern: 1\n"\\e]0;owned\\a": x\n' >key.yaml
confgen 1 check key.yaml
quiet_terminal "escaped key"
printf 'postern: 1\nd%so: x\n' $'\u202e' >bidi.yaml
confgen 1 check bidi.yaml
quiet_terminal "right-to-left override"
sed 's/mail.example.com/"\\e[2Jmail.example.com"/' "$example" >value.yaml
confgen 1 check value.yaml
quiet_terminal "escaped value"
printf 'postern: 1\n%s: x\n' "$escape" >raw.yaml
confgen 1 check raw.yaml
quiet_terminal "raw key"

name="x${escape}"$'\n'"y.yaml"
confgen 3 check "$name"
quiet_terminal "name of a missing file"
cp "$example" "$name"
confgen 0 check --no-postfix "$name"
quiet_terminal "file name"
confgen 0 render -o tree "$name"
quiet_terminal "file name in the tree"
LC_ALL=C grep -rlP '[\x00-\x08\x0b-\x1f\x7f]' tree && fail "the file name went into the tree raw"
LC_ALL=C grep -rlP '^y\.yaml' tree && fail "the file name's second line became a line of a file"
sed 's/dms/dsm/' "$example" >"$name"
confgen 1 check "$name"
quiet_terminal "file name in a diagnostic"
confgen 2 "$escape"
quiet_terminal "command"
confgen 3 render -o "absent$escape/tree" "$example"
quiet_terminal "output folder"
confgen 2 render -o tree --host "$escape" "$example"
quiet_terminal "host"
confgen 3 render -o tree -t "$escape" "$example"
quiet_terminal "templates"

# colours: on a terminal, unless NO_COLOR says no
sed 's/dms/dsm/' "$example" >wrong.yaml
confgen 1 check wrong.yaml
quiet_terminal "no terminal"
on_terminal() {
	script -qec "$POSTERN_CONFGEN check wrong.yaml" /dev/null </dev/null >typescript || true
}
if command -v script >/dev/null; then
	(
		unset NO_COLOR
		on_terminal
	)
	grep -q $'\x1b\\[1;31m' typescript || fail "no colours on a terminal"
	NO_COLOR=1 on_terminal
	grep -q $'\x1b' typescript && fail "colours in spite of NO_COLOR"
fi
finish
