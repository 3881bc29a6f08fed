#!/usr/bin/env bash
# Sets up a fresh Debian 12 (as root) and runs every test: scripts/test.sh [--fast]
# --fast leaves out the clang build and the sanitizer run. The whole run tests the programs with the
# sanitizers in them; without, what is quick, other releases of Postfix (label matrix), and figures:
# memory among them, of which a sanitizer keeps what is freed (label endurance).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
. scripts/setup.sh

fast=false
case ${1-} in
--fast) fast=true ;;
'') ;;
*)
	echo "usage: scripts/test.sh [--fast]" >&2
	exit 2
	;;
esac

install_packages "${BUILD_PACKAGES[@]}" "${LAB_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
install_promtool
install_sarif_schema
export POSTERN_ROOTS=$PWD/build/roots # of other releases, for all builds
export ASAN_OPTIONS=detect_stack_use_after_return=1:max_free_fill_size=4096 UBSAN_OPTIONS=print_stacktrace=1

# build PRESET [OPTION...]: a build without a warning, or the end
build() {
	echo "== building: $1"
	cmake --preset "$@" >/dev/null
	cmake --build --preset "$1" -- --quiet
}

# run PRESET [OPTION...]: its tests; CTest prints the names of skipped ones, and why. Most wait for servers
# most of the time, so more of them run at once than there are processors.
run() {
	echo "== testing: $1"
	ctest --preset "$@" --parallel "$((3 * $(nproc)))"
}

started=$SECONDS
find . -path ./build -prune -o -name '*.sh' -print0 |
	xargs --null shellcheck --external-sources lab/postern-lab test/matrix/roots .ci/run
build dev
if $fast; then
	run dev
else
	build package -DPOSTERN_WERROR=ON # other warnings come with the optimiser, and without assertions
	run dev --label-regex '^(unit|golden|matrix|packages|image|bench|endurance)$'
	build clang
	build asan
	run asan --label-exclude '^(matrix|packages|image|bench|endurance)$'
fi
echo "all tests took $((SECONDS - started)) seconds"
