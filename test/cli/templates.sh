#!/bin/bash
# Templates of the user's own: mistakes in them are told with their place, and nothing is written.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

mkdir -p own/postfix
template=own/postfix/main.cf
original=$POSTERN_SOURCE/templates/postfix/main.cf

# wrong PLACE TEXT: render and check refuse the template at this place.
wrong() {
	confgen 1 render -o tree -t own "$example"
	says err "$template:$1: error: "
	says err "$2"
	absent tree
	nothing_left "$work"
	confgen 1 check --no-postfix -t own "$example"
	says out "$template:$1: error: "
}

# one of ours is as good as the built-in one
cp "$original" $template
confgen 0 render -o tree -t own "$example"
"$POSTERN_CONFGEN" render -o reference "$example"
diff -r tree reference || fail "a copy of the built-in template gives another tree"
rm -r tree

printf 'a = 1\nb = {{no_such_thing}}\n' >$template
wrong 2:5 "no_such_thing"
printf 'a = 1\n{{#submission}}\nb\n' >$template
wrong 2:1 "submission"
printf '{{/submission}}\n' >$template
wrong 1:1 "submission"
printf 'a = {{node\n' >$template
wrong 1:5 ""
printf '{{> no-such-partial}}\n' >$template
wrong 1:1 "no-such-partial"
head -c 2000000 /dev/zero | tr '\0' x >$template
confgen 1 render -o tree -t own "$example"
says err "1 MiB"
absent tree
rm $template
mkdir $template
confgen 1 render -o tree -t own "$example"
says err "$template"
absent tree
rmdir $template

# a template that Postfix does not accept: check asks it, and says which node
if PATH=$PATH:/usr/sbin command -v postconf >/dev/null; then
	{
		cat "$original"
		echo 'smtpd_relay_restriction = reject'
	} >$template
	confgen 1 check -t own "$example"
	says out "smtpd_relay_restriction=reject"
	says out "[postfix-rejects]"
	rm $template
fi

# the folder itself
confgen 3 render -o tree -t absent "$example"
says err "absent"
absent tree
touch file
confgen 3 render -o tree -t file "$example"
confgen 3 check -t file "$example"
absent tree
mkdir empty
confgen 0 render -o tree -t empty "$example"
diff -r tree reference || fail "an empty folder of templates gives another tree"
finish
