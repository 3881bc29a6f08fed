#!/usr/bin/env bash
# Builds the container image of a rendered node: scripts/image.sh [OPTION...] FOLDER
# FOLDER is what `postern-confgen render` wrote for a node with `deployment: container`. The programs in the image
# are compiled from this tree, in containers of their own.
set -euo pipefail

usage() {
	cat <<'HELP'
usage: scripts/image.sh [OPTION...] FOLDER

  --engine ENGINE   docker, podman or buildah (default: the first of them that is there)
  --base IMAGE      what all is built on: Debian 12 or a later one (default: that of the Dockerfiles)
  --name NAME       what the image is called (default: as compose.yaml in FOLDER calls it)
  --programs DIR    take postern-milter and postern-gate from DIR instead of compiling them; they have to
                    run on the base

Exit status: 0 done, 1 failed, 2 wrong usage. $STORAGE_DRIVER and $BUILDAH_ISOLATION mean to buildah what they always do.
HELP
}

fail() {
	printf 'image.sh: %s\n' "$*" >&2
	exit 1
}

misuse() {
	printf 'image.sh: %s\n' "$*" >&2
	usage >&2
	exit 2
}

# Prints the engine to use.
choose_engine() {
	local candidate
	for candidate in docker podman buildah; do
		if command -v "$candidate" >/dev/null; then
			echo "$candidate"
			return
		fi
	done
	fail "needs docker, podman or buildah"
}

# build IMAGE DOCKERFILE CONTEXT [ARG=VALUE...]
build() {
	local image=$1 file=$2 context=$3 options=()
	shift 3
	while (($# > 0)); do
		options+=(--build-arg "$1")
		shift
	done
	"$engine" build "${options[@]}" --tag "$image" --file "$file" "$context"
}

# program NAME PATH: an image postern-NAME with that program and nothing else, there.
program() {
	if [[ -z $programs ]]; then
		build "postern-$1" "$source/packaging/$1.Dockerfile" "$source" "${base[@]}"
		return
	fi
	local context=$work/$1
	mkdir "$context"
	cp -- "$programs/postern-$1" "$context/"
	printf 'FROM scratch\nCOPY postern-%s %s\n' "$1" "$2" >"$context/Dockerfile"
	build "postern-$1" "$context/Dockerfile" "$context"
}

# what podman and buildah build otherwise holds no health check
export BUILDAH_FORMAT=docker
engine='' name='' programs='' folder='' base=()
while (($# > 0)); do
	case $1 in
	--engine | --base | --name | --programs) (($# > 1)) || misuse "$1 needs a value" ;;&
	--engine) engine=$2; shift ;;
	--base) base=("BASE=$2"); shift ;;
	--name) name=$2; shift ;;
	--programs) programs=$2; shift ;;
	-h | --help) usage; exit ;;
	-*) misuse "no option $1" ;;
	*) [[ -z $folder ]] || misuse "one folder only"; folder=$1 ;;
	esac
	shift
done
[[ -n $folder ]] || misuse "which folder?"
[[ -f $folder/Dockerfile && -f $folder/compose.yaml ]] ||
	fail "$folder holds no container: render a node with 'deployment: container', and name its folder"
[[ -z $programs || -d $programs ]] || fail "there is no folder $programs"
[[ -n $engine ]] || engine=$(choose_engine)
command -v "$engine" >/dev/null || fail "there is no $engine"
[[ -n $name ]] || name=$(sed -n 's/^    image: "\(.*\)"$/\1/p' "$folder/compose.yaml")
[[ -n $name ]] || fail "$folder/compose.yaml names no image: use --name"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

if grep -q '^ARG MILTER=' "$folder/Dockerfile"; then
	program milter /usr/sbin/
fi
if grep -q '^ARG GATE=' "$folder/Dockerfile"; then
	program gate /
fi
build "$name" "$folder/Dockerfile" "$folder" "${base[@]}"
echo "$name"
