#!/usr/bin/env bash
# Builds with gcov, runs the tests, and prints how many of each program's lines they ran: scripts/coverage.sh [--report]
# --report prints what the last run found, without another one. Exits 1 where a program has less than 85% or a test
# failed. A program's lines are those of all sources that it is linked from, common ones among them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LEAST=85 # of 100 lines of each program
readonly LOW=80   # files below are named

# Left out are tests that run other builds or the lab's hosts, whose view of this folder is read-only, and those of speed.
readonly LEFT_OUT='^(e2e|differential|matrix|packages|image|bench|endurance|faults)$'

fail() {
	printf 'coverage.sh: %s\n' "$*" >&2
	exit 3
}

# measure: the programs leave what they ran beside the objects. The files are there before, open to all, because
# daemons that have become another user write them, too.
measure() {
	cmake --preset coverage >/dev/null
	cmake --build --preset coverage -- --quiet
	find "$build" -name '*.gcda' -delete
	find "$build" -name '*.gcno' -print0 | sed -z 's/gcno$/gcda/' | xargs -0 touch
	find "$build" -name '*.gcda' -exec chmod a+rw {} +
	find "$build" -type d -exec chmod a+rx {} +
	setpriv --reuid=65534 --clear-groups ls "$build" >/dev/null 2>&1 ||
		echo "coverage.sh: other users cannot reach $build: lines that daemons run as such do not count" >&2
	ctest --preset coverage --label-exclude "$LEFT_OUT" --parallel "$((2 * $(nproc)))" --quiet \
		--output-log "$build/tests.log" || failed=1
	tail -n 25 "$build/tests.log" | grep -E 'tests passed|\*\*\*|Failed|Timeout' || true
	gcovr --root . --object-directory "$build" --exclude "$build" --exclude 'test/' -j "$(nproc)" \
		--json-summary "$build/coverage.json" "$build" >"$build/gcovr.log" 2>&1 || {
		tail -n 5 "$build/gcovr.log" >&2
		fail "gcovr failed"
	}
}

# tell PROGRAM FOLDER: a line, and the files that have little of it.
tell() {
	ninja -C "$build" -t inputs "$2/$1" | sed -n "s|^$PWD/\(.*\.c\)\$|\1|p" |
		jq --raw-input --null-input '[inputs]' >"$build/sources.json"
	# shellcheck disable=SC2016 # jq's
	jq --raw-output --arg program "$1" --argjson least "$LEAST" --argjson low "$LOW" \
		--slurpfile sources "$build/sources.json" '
		def percent: 1000 * .line_covered / .line_total | floor / 10;
		[.files[] | select(.line_total > 0 and (.filename | IN($sources[0][])))] |
		{line_covered: map(.line_covered) | add, line_total: map(.line_total) | add} as $all |
		"\($program): \($all | percent)% of \($all.line_total) lines",
		(map(select(percent < $low)) | sort_by(percent)[] |
			"  \(percent)% of \(.line_total): \(.filename)"),
		if ($all | percent) < $least then "" | halt_error(1) else empty end' \
		"$build/coverage.json" || failed=1
}

build=$PWD/build/coverage failed=0
for program in gcovr jq ninja; do
	command -v "$program" >/dev/null || fail "needs $program (scripts/setup.sh has the list of packages)"
done
case ${1-} in
--report) [[ -f $build/coverage.json ]] || fail "there was no run yet" ;;
'') measure ;;
*)
	echo "usage: scripts/coverage.sh [--report]" >&2
	exit 2
	;;
esac
tell postern-confgen confgen
tell postern-milter milter
tell postern-gate gate
exit "$failed"
