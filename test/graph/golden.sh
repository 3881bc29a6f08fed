#!/bin/bash
# golden.sh [--update]: the pictures of all examples, as dot and Mermaid, are those in expected/.
# judge.py has real programs judge them; this shows what a change of code changes.
set -euo pipefail

update=${1-}
folder=$(dirname "$0")/expected
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

for topology in "$POSTERN_SOURCE"/examples/*/topology.yaml; do
	name=$(basename "$(dirname "$topology")")
	for format in dot mermaid; do
		"$POSTERN_CONFGEN" graph --format "$format" "$topology" >"$work/$name.$format" 2>/dev/null
		if [[ $update == --update ]]; then
			cp "$work/$name.$format" "$folder/"
		elif ! diff -u "$folder/$name.$format" "$work/$name.$format"; then
			failed=1
		fi
	done
done
exit "$failed"
