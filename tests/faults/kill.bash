# shellcheck shell=bash
#
# kill -9 of ccpipe at random moments: no source is lost, nothing is torn under a final name, a target that was there is old or
# new; the next run does the rest and leaves nothing behind. No worker outlives its parent by a second.

make_tree 1000 5000 30000 70000 150000 300000
ln -s "$ccpipe" gzip

# sources SUFFIX: sets names to those that are still there. With -f they are named, since -r -f packs the targets again.
sources() {
	local file
	names=()
	for file in orig/*; do
		file=work/${file#orig/}$1
		[[ ! -e $file ]] || names+=("$file")
	done
}

# one MODE STRATEGY DELAY: a run that is killed, judged, and repeated.
one() {
	local name="$1, $2, killed after $3 us" tree=(-g orig work) old=() suffix='' command again names opts
	read -ra opts <<<"$(options "$2")"
	case $1 in
	new)
		lay orig
		command=("$ccpipe" gzip "${opts[@]}" --chunk 16K --rm -r work)
		again=("$ccpipe" gzip "${opts[@]}" --chunk 16K --rm -f)
		;;
	over)
		lay orig oldgz
		old=(-o oldgz)
		sources ''
		again=("$ccpipe" gzip "${opts[@]}" --chunk 16K --rm -f)
		command=("${again[@]}" "${names[@]}")
		;;
	gunzip)
		lay packed
		tree=(-u orig work)
		suffix=.gz
		command=("$ccpipe" gunzip "${opts[@]}" --rm -r work)
		again=("$ccpipe" gunzip "${opts[@]}" --rm -f)
		;;
	gnu)
		lay orig
		command=(env CCPIPE_STRATEGY="$2" CCPIPE_JOBS=2 ./gzip -r work)
		again=(env CCPIPE_STRATEGY="$2" CCPIPE_JOBS=2 ./gzip -f)
		;;
	esac
	if [[ $3 == never ]]; then
		observe report "${command[@]}"
		sound "$1, $2" || return 0
		[[ $status -eq 0 ]] || fail "$1, $2: status $status: $(head -n 1 stderr)"
		tree_good "$1, $2" -d "${tree[@]}" || true
		return 0
	fi
	observe -k "9@$3" report "${command[@]}"
	sound "$name" || return 0
	[[ $how == signal ]] && killed=$((killed + 1))
	tree_good "$name" -t "${old[@]}" "${tree[@]}" || return 0
	# what the first run left: a name that is taken is a warning, and the temporary is gone after it
	if [[ $1 != over ]]; then
		observe report "${command[@]}"
		if [[ $status -ne 0 && $status -ne 2 ]]; then
			fail "$name: the next run has status $status: $(head -n 1 stderr)"
			return 0
		fi
		tree_good "$name, and run again" "${tree[@]}" || return 0
	fi
	sources "$suffix"
	status=0
	if [[ ${#names[@]} -gt 0 ]]; then
		observe report "${again[@]}" "${names[@]}"
		sound "$name, the next run" || return 0
	fi
	if [[ $status -ne 0 ]]; then
		fail "$name: the next run has status $status: $(head -n 1 stderr)"
	elif tree_good "$name, and run again" -d "${tree[@]}"; then
		pass
	fi
}

killed=0
runs=$(times 15)
for strategy in "${all_strategies[@]}"; do
	for mode in new over gunzip gnu; do
		one $mode "$strategy" never
		span=$((wall_us * 11 / 10))
		for ((n = 0; n < runs; n++)); do
			one $mode "$strategy" $(((RANDOM * 32768 + RANDOM) % span))
		done
	done
done
echo "kill: $((runs * 20)) runs, $killed of them killed in time: $(columns lost torn oldlost partial unfinished orphan hang crash)"
