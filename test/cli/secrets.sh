#!/bin/bash
# Secrets: what they may be, and that they show up in the files meant for them and nowhere else.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

sentinel=hunter2-SENTINEL
export POSTERN_TEST_PASSWORD=env-$sentinel

# no_leak WHAT: the sentinel is neither in what was written to the terminal nor in any file of the
# tree that others can read. argv and the environment are the user's own business.
no_leak() {
	local files
	grep -rqF "$sentinel" "$said" &&
		fail "$1: the secret is in the output: $(grep -rhF "$sentinel" "$said")"
	[[ -d tree ]] || return 0
	files=$(grep -rlF "$sentinel" tree | while read -r file; do
		[[ $(stat -c %a "$file") == 600 ]] || echo "$file"
	done)
	[[ -z $files ]] || fail "$1: the secret is in $files"
	nothing_left "$work"
}

mkdir secrets
cp "$golden/sasl.yaml" .
# secret FORMAT ARGS...: what the file holds from now on
secret() {
	# shellcheck disable=SC2059 # a format it is
	printf "$@" >secrets/at-public
	chmod 600 secrets/at-public
}

# the good case: in the 0600 files for the host that logs in, hashed at the one that is logged in at
secret '%s\n' "file-$sentinel"
confgen 0 check --no-postfix sasl.yaml
no_leak check
confgen 0 render -o tree sasl.yaml
no_leak render
grep -qF "private-host:file-$sentinel" tree/private/postfix-sasl-password.cf || fail "no login at private"
grep -qF "relay@example.com:env-$sentinel" tree/public/sasl_passwd || fail "no login at public"
# shellcheck disable=SC2016 # the dollars are the hash's
hash=$(grep -oE '\$6\$[^$]*\$.*' tree/public/sasl_users)
[[ $hash == "$(openssl passwd -6 -salt "$(cut -d'$' -f3 <<<"$hash")" "file-$sentinel")" ]] ||
	fail "sasl_users does not hold the hash of the password"

# refused WHAT TEXT: render refuses the secret that is there now, and leaves the tree alone.
refused() {
	find tree -printf '%i %T@ %p\n' | sort >before
	confgen 1 render -o tree sasl.yaml
	says err "[credentials]"
	says err "$2"
	no_leak "$1"
	find tree -printf '%i %T@ %p\n' | sort | cmp - before || fail "$1: the tree was touched"
}

rm secrets/at-public
refused "missing file" "the password's file cannot be read: No such file"
confgen 1 check sasl.yaml
says out "[credentials]"
mkdir secrets/at-public
refused "folder" "Is a directory"
rmdir secrets/at-public
secret ''
refused "empty file" "is empty"
secret '\n%s\n' "$sentinel"
refused "empty first line" "is empty"
secret ' %s\n' "$sentinel"
refused "leading space" "white space"
secret '%s\t\n' "$sentinel"
refused "trailing tab" "white space"
secret '%s\xe4\n' "$sentinel"
refused "not UTF-8" "UTF-8"
secret '%s\x1b[2J\n' "$sentinel"
refused "terminal escape" "control character"
secret '%s\0more\n' "$sentinel"
refused "NUL octet" "control character"
secret '%s%0600d\n' "$sentinel" 0
refused "too long" "octets"
secret '%s%05000d\n' "$sentinel" 0
refused "much too long" "File too large"

# what follows the first line is no part of the secret, and gets nowhere
secret 'first-line\r\nmynetworks = 0.0.0.0/0 %s\n' "$sentinel"
confgen 0 render -o tree sasl.yaml
no_leak "second line"
grep -rqF 'mynetworks = 0.0.0.0/0' tree && fail "a secret's second line was rendered"
grep -q 'private-host:first-line$' tree/private/postfix-sasl-password.cf || fail "not the first line"

# characters that mean something to Postfix, to Dovecot or in a template stay what they are
# shellcheck disable=SC2016 # nothing is to be expanded
special='{{x}}$y#:"\&<ü'\'
secret '%s' "$special"
confgen 0 render -o tree sasl.yaml
secret '%s' "file-$sentinel"
grep -qF "private-host:$special" tree/private/postfix-sasl-password.cf ||
	fail "special characters were changed"

# others can read it
chmod 644 secrets/at-public
confgen 0 check --no-postfix sasl.yaml
says out "warning: the password file 'secrets/at-public' can be read by others [secret-readable]"
confgen 0 render -o tree sasl.yaml
says err "[secret-readable]"
no_leak "readable by others"
chmod 600 secrets/at-public

# from the environment: not set, empty; check looks at no value, so it does not ask for it
for value in "" " x" $'x\x1by'; do
	POSTERN_TEST_PASSWORD=$value confgen 1 render -o tree sasl.yaml
	says err "the password's variable"
done
password=$POSTERN_TEST_PASSWORD
unset POSTERN_TEST_PASSWORD
confgen 1 render -o tree sasl.yaml
says err "is not set"
confgen 0 check --no-postfix sasl.yaml
export POSTERN_TEST_PASSWORD=$password

# a stranger's topology is checked without opening what it names
mkfifo secrets/pipe
sed 's,secrets/at-public,secrets/pipe,' sasl.yaml >pipe.yaml
confgen 0 check --no-postfix pipe.yaml

# slip WHAT SED-EXPRESSION: a slip with the secret in the topology itself
slip() {
	sed -E "$2" sasl.yaml >slip.yaml
	grep -qF "$sentinel" slip.yaml || fail "$1: the expression did nothing"
	confgen 1 check slip.yaml
	no_leak "$1 (check)"
	confgen 1 render -o tree slip.yaml
	no_leak "$1 (render)"
}
file='\{file: secrets.at-public\}'
slip "inline" "s/$file/$sentinel/"
slip "quoted" "s/$file/\"$sentinel\"/"
slip "key of a mapping" "s/$file/{$sentinel: x}/"
slip "key and no value" "s/$file/{$sentinel}/"
slip "list" "s/$file/[$sentinel]/"
slip "list of a mapping" "s/$file/[{$sentinel: 1}]/"
slip "nested" "s/$file/{file: {$sentinel: x}}/"
slip "file as a list" "s/$file/{file: [$sentinel, b]}/"
slip "as a variable" "s/$file/{env: $sentinel}/"
slip "as a file" "s/$file/{file: $sentinel}/"
slip "misspelt key" "s/password: $file/passwrod: $sentinel/"
slip "misspelt key in a block" "s/\{username: private-host, password: $file\}/\n        username: private-host\n        passwrd: $sentinel/"
slip "pass" "s/password: $file/pass: $sentinel/"
slip "as the user" "s/private-host, password: $file/private-host:$sentinel/"
slip "no closing quote" "s/$file/\"$sentinel/"
slip "no closing apostrophe" "s/$file/'$sentinel/"
slip "no closing brace" "s/$file/{file: $sentinel/"
slip "tab before it" "s/password: $file/password:\t$sentinel\t: x/"
slip "wrong indentation" "s/\{username: private-host, password: $file\}/\n        username: x\n       password: $sentinel/"
slip "value below its key" "s/\{username: private-host, password: $file\}/\n        password:\n          $sentinel/"
slip "literal block" "s/\{username: private-host, password: $file\}/\n        username: u\n        password: |\n          $sentinel/"
slip "anchor" "s/$file/\&$sentinel x/"
slip "alias" "s/$file/*$sentinel/"
slip "tag" "s/$file/!$sentinel x/"
slip "twice" "s/password: $file/password: $sentinel, password: $sentinel/"
slip "comment without space" "s/password: $file/password: $sentinel#: {/"
slip "at a node" "s/(hostname: mail.example.com)/\1\n    password: $sentinel/"
slip "credentials as a text" "s/(hostname: mail.example.com)/\1\n    credentials: private-host:$sentinel/"
slip "credentials as a list" "s/(hostname: mail.example.com)/\1\n    credentials: [private-host, $sentinel]/"
slip "at the top" "s/^postern: 1/postern: 1\npassword: $sentinel/"
finish
