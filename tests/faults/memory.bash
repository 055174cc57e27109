# shellcheck shell=bash
#
# Memory as a contract: the most that all processes have together (proportional set size), and each alone (resident set), stays
# within --max-mem and a constant, whatever the size of the input, with a slow reader too.

# Program and libraries, stacks, tables of names. Measured: 1 MiB at --max-mem 5M, less than nothing from 16M on.
constant_kb=$((4 * 1024))
worker_kb=512
jobs=2
bytes=$((128 << 20)) files=2000
if [[ $campaign -gt 0 ]]; then
	bytes=$((4 << 30)) files=30000
fi
if [[ $level == small ]]; then
	bytes=$((96 << 20)) files=1000
fi

mkdir many
text $((files * 1500)) 3 | split -b 1500 -a 4 - many/f
most_over=-1000000 most_text=

# within NAME BUDGET_KB
within() {
	local peak=$((rss_kb > pss_kb ? rss_kb : pss_kb)) over
	sound "$1" || return 0
	[[ $status -eq 0 ]] || fail "$1: status $status: $(head -n 1 stderr)"
	over=$((peak - $2))
	if [[ $over -gt $most_over ]]; then
		most_over=$over
		most_text=$1
	fi
	if [[ $over -gt $((constant_kb + jobs * worker_kb)) ]]; then
		fail "$1: peak $peak KiB is $over KiB above --max-mem; allowed are $((constant_kb + jobs * worker_kb))"
	else
		pass
	fi
}

for strategy in "${all_strategies[@]}"; do
	opts=$(options "$strategy")
	for budget in 16 32; do
		[[ $budget -eq 16 || $campaign -gt 0 || " ${strategies[*]} " == *" $strategy "* ]] || continue
		some=$((bytes * 3 / 8)) # more than the budget and what is allowed above it
		[[ " ${strategies[*]} " != *" $strategy "* || $budget -ne 16 ]] || some=$bytes
		[[ $campaign -eq 0 ]] || some=$bytes
		name="$strategy, --max-mem ${budget}M"
		# shellcheck disable=SC2016
		observe -t 3600 -m report "$ccpipe" gzip -1 $opts --max-mem ${budget}M < <(text $some) >out
		within "$name, a stream of $((some >> 20)) MiB" $((budget * 1024))
		observe -t 3600 -m report "$ccpipe" gunzip $opts --max-mem ${budget}M -c <out > >("$tools/trickle" 131072 100 >/dev/null)
		within "$name, gunzip to a slow reader" $((budget * 1024))
		rm -rf work
		cp -r many work
		observe -t 3600 -m report "$ccpipe" gzip -1 $opts --max-mem ${budget}M -r work
		within "$name, $files files" $((budget * 1024))
	done
	observe -t 3600 -m report "$ccpipe" gzip -1 $opts --max-mem 16M < <(text $((bytes / 4))) > >("$tools/trickle" 65536 2000 >/dev/null)
	within "$strategy, --max-mem 16M, a slow reader" $((16 * 1024))
done
echo "memory: at most $most_over KiB above --max-mem ($most_text)"
