# shellcheck shell=bash
#
# The Nth call of malloc, pthread_create, fork, pipe, eventfd, read, write or fsync fails, once and for good; and reads and
# writes that are short, interrupted or delayed. No crash, no hang, nothing lost, no false success.

make_tree 1000 40000 150000
preload=$tools/preload_failnth.so
runs=0 refused=0

# failing NAME FAILNTH STRATEGY gzip|gunzip
failing() {
	local name="$3, $4, $1" opts tree=(-g orig work)
	read -ra opts <<<"$(options "$3")"
	[[ $4 == gunzip ]] || opts+=(--chunk 16K)
	if [[ $4 == gzip ]]; then
		lay orig
	else
		lay packed
		tree=(-u orig work)
	fi
	observe -t 10 report env FAILNTH="$2" LD_PRELOAD="$preload" "$ccpipe" "$4" "${opts[@]}" --rm -r work
	runs=$((runs + 1))
	if ! sound "$name"; then
		tree_good "$name" -t "${tree[@]}" || true # whatever else, nothing may be lost
		return 0
	fi
	if [[ $how != exit || $code -gt 2 ]]; then
		count status
		fail "$name: $how $code: $(head -n 1 stderr)"
	elif [[ $code -eq 0 ]]; then
		tree_good "$name (status 0)" -d "${tree[@]}" && pass
	else
		refused=$((refused + 1))
		[[ -s stderr ]] || fail "$name: status $code without a message"
		tree_good "$name" "${tree[@]}" && pass
	fi
	return 0
}

if [[ ! -e $preload ]] || ! env LD_PRELOAD="$preload" true; then
	skip 'failing library calls: cannot preload'
else
	last=50
	[[ $campaign -eq 0 ]] || last=2000
	for strategy in "${all_strategies[@]}"; do
		# how many there are at all
		lay orig
		read -ra opts <<<"$(options "$strategy")"
		rm -f calls
		FAILNTH_COUNT=$PWD/calls observe report env FAILNTH=none LD_PRELOAD="$preload" "$ccpipe" gzip "${opts[@]}" \
			--chunk 16K --rm -r work
		mallocs=$(awk '$1 == "malloc" && $2 > n { n = $2 } END { print n + 0 }' calls)
		most=$((mallocs < last ? mallocs : last))
		step=1
		[[ " ${strategies[*]} " == *" $strategy "* || $campaign -gt 0 ]] || step=3
		[[ $level != small ]] || step=$((step * 4))
		for ((n = 1; n <= most; n += step)); do
			failing "malloc $n fails" "malloc:$n" "$strategy" gzip
			failing "malloc $n and all after it fail" "malloc:$n+" "$strategy" gzip
			((n % 5)) || failing "malloc $n fails" "malloc:$n" "$strategy" gunzip
		done
		for what in thread fork pipe eventfd read write fsync; do
			for n in 1 2 3 4; do
				failing "$what $n fails" "$what:$n" "$strategy" gzip
				failing "$what $n and all after it fail" "$what:$n+" "$strategy" gzip
			done
		done
		for n in 1 3; do
			failing "read $n fails" "read:$n" "$strategy" gunzip
			failing "write $n fails" "write:$n" "$strategy" gunzip
		done
		for what in short intr again; do
			for command in gzip gunzip; do
				failing "reads and writes are $what" $what "$strategy" $command
				[[ $status -eq 0 ]] || fail "$strategy, $command, $what: status $status: $(head -n 1 stderr)"
			done
		done
	done
	echo "nth: $runs runs, $refused ended with an error: $(columns lost torn partial unfinished orphan hang crash status)"
fi
