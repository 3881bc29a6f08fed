# What the scripts here share: source it first. Works in a folder of its own, $work.
# shellcheck shell=bash disable=SC2034 # what is set here is used elsewhere
set -euo pipefail

said=$(mktemp -d) # what the program wrote, in the files out and err
work=$(mktemp -d)
failures=0
example=$POSTERN_SOURCE/examples/dms-relay/topology.yaml
golden=$POSTERN_SOURCE/test/golden/topologies

clean_up() {
	rm -rf "$work" "$said"
}
trap clean_up EXIT
cd "$work"

fail() {
	echo "FAILED: $*" >&2
	failures=$((failures + 1))
}

# confgen STATUS ARGS...: runs the program, which must end with this status; keeps what it writes
# in $said.
confgen() {
	local wanted=$1 status=0
	shift
	timeout 300 "$POSTERN_CONFGEN" "$@" >"$said/out" 2>"$said/err" || status=$?
	[[ $status == "$wanted" ]] || {
		fail "$* ended with $status, not $wanted"
		head -c 2000 "$said/out" "$said/err" >&2
	}
}

# says FILE TEXT: the file (out or err) has the text.
says() {
	grep -qF -- "$2" "$said/$1" || {
		fail "$1 lacks '$2':"
		head -c 2000 "$said/$1" >&2
	}
}

says_nothing() {
	[[ ! -s $said/$1 ]] || fail "$1 is not empty: $(head -c 500 "$said/$1")"
}

# absent PATH...: none of them is there.
absent() {
	local path
	for path; do
		[[ ! -e $path && ! -L $path ]] || fail "$path is there"
	done
}

# nothing_left FOLDER: no staging folder was left behind in it.
nothing_left() {
	local found
	found=$(find "$1" -maxdepth 1 -name '.*postern*')
	[[ -z $found ]] || fail "left behind: $found"
}

finish() {
	((failures == 0)) || exit 1
	exit 0
}
