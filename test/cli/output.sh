#!/bin/bash
# Where the tree goes: places it cannot go to, full disks, killed runs, runs at once.
set -euo pipefail
# shellcheck source=test/cli/lib.sh
source "$POSTERN_SOURCE/test/cli/lib.sh"

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	mountpoint -q "$work/small" && umount "$work/small"
	rm -rf "$work" "$said"
}

tree_of() {
	(cd "$1" && find . -type f -printf '%m %p ' -exec sha256sum {} \; | LC_ALL=C sort -k2)
}

confgen 0 render -o first "$example"
tree_of first >first.sums
sed 's/mail.example.com/mx.example.com/' "$example" >second.yaml
confgen 0 render -o second second.yaml
sed -i 's/second.yaml/topology.yaml/' second.yaml
tree_of second >second.sums

# places that are not for it
echo mine >file
confgen 3 render -o file "$example"
says err "file"
[[ $(<file) == mine ]] || fail "a file in the place of the tree was changed"
confgen 3 render -o absent/tree "$example"
absent absent
confgen 3 render -o / "$example"
confgen 3 render -o "" "$example"
ln -s nowhere link
confgen 3 render -o link "$example"
absent nowhere
mkdir foreign
echo mine >foreign/note
confgen 3 render -o foreign "$example"
says err "foreign: error: the folder holds what was not written by postern-confgen: note"
[[ $(ls -A foreign) == note && $(<foreign/note) == mine ]] || fail "foreign files were touched"
echo mine >first/public/note
confgen 3 render -o first second.yaml
says err "public/note"
rm first/public/note
tree_of first | cmp - first.sums || fail "a tree with a foreign file in it was changed"
nothing_left "$work"

# may not be written
mkdir -m 755 closed
chmod 755 "$work"
if [[ $(id -u) == 0 ]] && setpriv --reuid=65534 --clear-groups test -x "$POSTERN_CONFGEN"; then
	cp "$example" example.yaml
	chmod 644 example.yaml
	status=0
	setpriv --reuid=65534 --clear-groups "$POSTERN_CONFGEN" render -o closed/tree example.yaml \
		>"$said/out" 2>"$said/err" || status=$?
	[[ $status == 3 ]] || fail "a closed folder: ended with $status"
	says err "Permission denied"
	absent closed/tree
	nothing_left closed
fi

# a change that fails keeps the old tree; one that works replaces it
sed 's/kind: dms/kind: dsm/' "$example" >wrong.yaml
confgen 1 render -o first wrong.yaml
tree_of first | cmp - first.sums || fail "a failed run changed the tree"
confgen 0 render -o first second.yaml
confgen 0 render -o first "$example"
tree_of first | cmp - first.sums || fail "back again is not the same"
confgen 0 render -o one --host public "$example"
[[ ! -e one/private && -e one/public/main.cf ]] || fail "--host public gave $(ls one)"

# disk full: too small for the files, then for the inodes; nothing stays
if [[ $(id -u) == 0 ]]; then
	mkdir small
	for size in size=16k nr_inodes=6; do
		mount -t tmpfs -o "$size" none small
		confgen 3 render -o small/tree "$example"
		says err "No space left"
		absent small/tree
		[[ -z $(ls -A small) ]] || fail "left on the full disk: $(ls -A small)"
		umount small
	done
	# with room for one tree but not for two, the old one stays
	mount -t tmpfs -o size=120k none small
	confgen 0 render -o small/tree "$example"
	dd if=/dev/zero of=small/ballast bs=1k 2>dd.log || true
	confgen 3 render -o small/tree second.yaml
	tree_of small/tree | cmp - first.sums || fail "the tree on the full disk was changed"
	nothing_left small
	umount small
fi

# killed at any time: the old tree or the new one, never something between
cp "$example" a.yaml
cp second.yaml b.yaml
confgen 0 render -o a a.yaml
tree_of a >a.sums
confgen 0 render -o b b.yaml
tree_of b >b.sums
confgen 0 render -o killed a.yaml
hit=0
for i in {1..80}; do
	"$POSTERN_CONFGEN" render -o killed "$([[ $((i % 2)) == 0 ]] && echo a.yaml || echo b.yaml)" \
		>/dev/null 2>&1 &
	pid=$!
	sleep "0.$(printf %03d $((i / 2)))"
	kill -9 $pid 2>/dev/null || true
	status=0
	wait $pid 2>/dev/null || status=$?
	hit=$((hit + (status == 137)))
	if [[ -d killed ]]; then
		tree_of killed >killed.sums
		cmp -s killed.sums a.sums || cmp -s killed.sums b.sums ||
			fail "killed in run $i: neither the old tree nor the new one"
	else
		fail "killed in run $i: no tree at all"
	fi
done
((hit >= 5)) || fail "only $hit of the runs were killed before their end"
confgen 0 render -o killed a.yaml
tree_of killed | cmp - a.sums || fail "after the kills"
nothing_left "$work"

# two runs at once: each ends well, and one tree is there as a whole
for _ in {1..15}; do
	"$POSTERN_CONFGEN" render -o both a.yaml >both.a 2>&1 &
	one=$!
	"$POSTERN_CONFGEN" render -o both b.yaml >both.b 2>&1 &
	other=$!
	wait $one || fail "the first of two runs: $(<both.a)"
	wait $other || fail "the second of two runs: $(<both.b)"
	tree_of both >both.sums
	cmp -s both.sums a.sums || cmp -s both.sums b.sums || fail "two runs at once mixed their trees"
done
nothing_left "$work"
finish
