# shellcheck shell=bash
#
# A power cut some seconds after gzip --rm: an ext4 file system is shut down without its journal being flushed, and mounted
# again. Each source or its whole target is there. It takes about 3 s until a name without its data would
# be in the journal: with --fsync never those runs lose their file, but for "over old", where ext4 writes data at the rename.

make_tree 300000
mv orig one
mkdir twenty old
cp oldgz/file1.gz old
text 500000 3 | split -b 25000 -a 2 - twenty/f

# cut STRATEGY SECONDS DIR [OLD]
cut() {
	local name="$1, power cut after $2 s, $3" opts old=() tree=$3 names
	read -ra opts <<<"$(options "$1")"
	truncate -s 24M image
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 image
	mount -o loop,commit=1 image disk
	mkdir disk/tree
	cp "$tree"/* disk/tree
	names=(disk/tree/*)
	if [[ -n ${4:-} ]]; then
		cp "$4"/* disk/tree
		opts+=(-f)
		old=(-o "$4")
		name+=' over old'
	fi
	sync -f disk
	observe report "$ccpipe" gzip "${opts[@]}" --chunk 16K --rm "${names[@]}"
	sleep "$2"
	"$tools/powercut" disk
	umount disk
	mount -o loop image disk
	if sound "$name"; then
		[[ $status -eq 0 ]] || fail "$name: status $status: $(head -n 1 stderr)"
		tree_good "$name" -t "${old[@]}" -g "$tree" disk/tree && pass
		runs=$((runs + 1))
	fi
	umount disk
}

runs=0
mkdir -p disk
if can_mount loop; then
	cleaning+=('umount disk 2>/dev/null')
	cut threads 3 one
	cut proc 1 one
	cut threads 3 twenty
	cut proc 3 twenty
	cut threads 0 one old
	cut proc 3 one old
	for ((n = 0; n < campaign * 6; n++)); do
		cut "${all_strategies[n % 5]}" $((RANDOM % 4)) twenty
		cut "${all_strategies[n % 5]}" 0.$((RANDOM % 1000)) one old
	done
	echo "power: $runs runs: $(columns lost torn oldlost hang crash)"
else
	skip "power cut: $why"
fi
