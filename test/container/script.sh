#!/usr/bin/env bash
# What scripts/image.sh says to wrong usage: each status, and that nothing is built.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
failed=0
mkdir "$work/empty" "$work/bin"
printf '#!/bin/sh\necho "$@" >>%s/built\n' "$work" >"$work/bin/docker"
chmod 755 "$work/bin/docker"
export PATH=$work/bin:$PATH

# expect STATUS WORDS ARGUMENT...
expect() {
	local status=0 said
	said=$("$POSTERN_SOURCE/scripts/image.sh" "${@:3}" 2>&1) || status=$?
	if [[ $status != "$1" || $said != *"$2"* || -e $work/built ]]; then
		printf 'not ok: image.sh %s: status %s, says: %s\n' "${*:3}" "$status" "$said"
		failed=1
	fi
}

expect 0 usage: --help
expect 2 'which folder'
expect 2 'no option --bogus' --bogus
expect 2 '--engine needs a value' --engine
expect 2 'one folder only' a b
expect 1 'holds no container' "$work/empty"
cp -r "$POSTERN_SOURCE/test/golden/expected/app-relay/relay" "$work/relay"
expect 1 'there is no folder' --programs "$work/none" "$work/relay"
expect 1 'there is no nothing' --engine nothing "$work/relay"
((failed == 0)) || exit 1

# and a stand-in for docker is given what the Dockerfile asks for
[[ $("$POSTERN_SOURCE/scripts/image.sh" --base debian:trixie-slim "$work/relay") == postern-relay ]]
diff - "$work/built" <<EXPECTED
build --build-arg BASE=debian:trixie-slim --tag postern-milter --file $POSTERN_SOURCE/packaging/milter.Dockerfile $POSTERN_SOURCE
build --build-arg BASE=debian:trixie-slim --tag postern-relay --file $work/relay/Dockerfile $work/relay
EXPECTED
echo "9 ways to call it"
