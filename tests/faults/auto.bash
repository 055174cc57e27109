# shellcheck shell=bash
#
# auto when what it wants cannot be had: threads, memory, descriptors, a place for its reports; and when it is stopped in the
# probe, at the decision or after it. It goes on with what there is, or says why not; nothing is lost and nothing partial.

make_tree 1000 40000 150000 300000
preload=$tools/preload_failnth.so
rm -rf oldgz oldplain
waits=work_delay_us=1500
runs=0 refused=0

# Judges what was observed of gzip --rm on `work`: done, or an error with a message, and nothing lost. Sets done_well.
judge() { # NAME
	local name=$1 temps=()
	done_well=false
	runs=$((runs + 1))
	sound "$name" || return 0
	if [[ $how != exit || $code -gt 1 ]]; then
		fail "$name: $how $code: $(head -n 1 stderr)"
	elif [[ $code -eq 0 ]]; then
		tree_good "$name (status 0)" -d -g orig work && done_well=true && pass
	else
		refused=$((refused + 1))
		[[ -s stderr ]] || fail "$name: status 1 without a message"
		# OpenMP's library has ended the process, in spite of all rehearsal: that is a death, and leaves temporaries
		! grep -q '^libgomp: Thread creation failed' stderr || temps=(-t)
		tree_good "$name" "${temps[@]}" -g orig work && pass
	fi
	return 0
}

# attempt NAME [WORD]... -- [OPTION]...: one run, with the words before the command.
attempt() {
	local name=$1 words=()
	shift
	while [[ $1 != -- ]]; do
		words+=("$1")
		shift
	done
	shift
	lay orig
	observe -t 15 report "${words[@]}" "$ccpipe" gzip -j3 --progress=none --chunk 16K "$@" --rm -r work
	judge "$name"
}

# ---- threads, memory, descriptors -------------------------------------------------------------------------------------

if [[ ! -e $preload ]] || ! env LD_PRELOAD="$preload" true; then
	skip 'failing library calls: cannot preload'
else
	for n in 1 2 3 4 6 9; do
		for inject in $waits read_delay_us=1500 "$waits,from_job=15" work_cpu_us=500; do
			for which in $n "$n+"; do
				name="thread $which fails, $inject"
				attempt "$name" env FAILNTH="thread:$which" LD_PRELOAD="$preload" -- --inject "$inject" \
					--profile=json:profile.json
				# without threads there is always the caller
				$done_well || grep -q '^libgomp: ' stderr || fail "$name: it is not done: $(head -n 1 stderr)"
				if $done_well && command -v jq >report.jq; then
					# the plan that is told is the one that was run
					jq -r '.executors[] | select(.strategy == "threads" and .stages != [] and .degree > .workers) |
						"\(.strategy) x\(.degree), but \(.workers) workers"' profile.json >wrong
					[[ ! -s wrong ]] || fail "$name: $(cat wrong)"
				fi
			done
		done
	done
	for what in malloc eventfd; do
		most=6
		[[ $what != malloc ]] || most=$(times 60)
		for ((n = 1; n <= most; n++)); do
			attempt "$what $n fails" env FAILNTH="$what:$n" LD_PRELOAD="$preload" -- --inject $waits
			((n % 4)) || attempt "$what $n and all after it fail" env FAILNTH="$what:$n+" LD_PRELOAD="$preload" -- \
				--inject $waits,from_job=12 --profile=html:page.html
		done
	done
fi

# A limit of the kernel's: of threads, of address space, of descriptors.
if ! can_be_nobody || [[ $(stat -c %a "$ccpipe") != *[157] ]] || ! "${nobody[@]}" "$ccpipe" --version >out 2>&1; then
	skip 'a limit on threads: not as an unprivileged user'
else
	for limit in 1 2 4; do
		lay orig
		chmod -R a+rwX work
		# shellcheck disable=SC2016
		observe -t 15 report "${nobody[@]}" bash -c 'ulimit -u "$0"; exec "$@"' "$limit" "$ccpipe" gzip -j3 --progress=none \
			--chunk 16K --inject $waits --rm -r work
		judge "at most $limit threads"
		$done_well || fail "at most $limit threads: it is not done: $(head -n 1 stderr)"
	done
fi
for kb in 8000 20000 60000 120000 200000 400000; do
	for strategy in threads auto; do
		# shellcheck disable=SC2016
		attempt "$strategy in $kb KiB of addresses" bash -c 'ulimit -v "$0"; exec "$@"' "$kb" -- --strategy=$strategy --chunk 1M
		[[ $strategy != threads ]] || threads_well=$done_well
	done
	if $threads_well && ! $done_well; then
		fail "$kb KiB of addresses are enough for threads, but not for auto: $(head -n 1 stderr)"
	fi
done
for limit in 16 24 40; do
	# shellcheck disable=SC2016
	attempt "at most $limit descriptors" bash -c 'ulimit -n "$0"; exec "$@"' "$limit" -- --inject read_delay_us=1500
done

# ---- signals ----------------------------------------------------------------------------------------------------------

# In the first milliseconds all happens: the first pool, the probe, the decision, its executors.
for inject in $waits read_delay_us=1500 "$waits,from_job=15" work_cpu_us=800; do
	lay orig
	observe report "$ccpipe" gzip -j3 --progress=none --chunk 16K --inject "$inject" --rm -r work
	span=$wall_us
	count=$(times 16)
	for ((n = 0; n < count; n++)); do
		signal=$((n % 2 ? 15 : 2))
		at=$((n % 4 ? RANDOM % 20000 : RANDOM % span))
		name="signal $signal after $at us, $inject"
		lay orig
		observe -k "$signal@$at" report "$ccpipe" gzip -j3 --progress=none --chunk 16K --inject "$inject" \
			--profile=json:profile.json --rm -r work
		runs=$((runs + 1))
		sound "$name" || continue
		if [[ $how == exit && $code -eq 0 ]]; then
			if tree_good "$name (too late)" -d -g orig work; then pass; fi
		elif [[ $how == signal && $code -eq $signal ]]; then
			if tree_good "$name" -g orig work; then pass; fi
		else
			fail "$name: $how $code: $(head -n 1 stderr)"
		fi
		[[ -z $(find . -maxdepth 1 -name '.ccpipe*') ]] || fail "$name: a part of a report is left over"
	done
done

# ---- reports that cannot be written -----------------------------------------------------------------------------------

# The work is done, the status is 1, a message names the file, and nothing is left beside it.
unwritable() { # NAME FOLDER OPTION
	local before
	before=$(ls -A "$2" 2>/dev/null || true)
	lay orig
	observe -t 15 report "$ccpipe" gzip -j2 --progress=none --chunk 16K "$3" --rm -r work
	if sound "$1"; then
		[[ $how == exit && $code -eq 1 ]] || fail "$1: $how $code and not status 1"
		check "$1: no message that names it: $(head -n 1 stderr)" grep -q "^ccpipe: --.*${3##*[=:]}" stderr
		if tree_good "$1" -d -g orig work; then pass; fi
	fi
	check "$1: left over: $(ls -A "$2" 2>/dev/null)" test "$(ls -A "$2" 2>/dev/null || true)" = "$before"
}

for what in --save-plan= --profile=json: --profile=trace: --profile=html:; do
	unwritable "$what in a folder that is not there" missing "${what}missing/file"
	mkdir -p folder/inner
	unwritable "$what onto a folder" folder "${what}folder/inner"
done
for what in json trace html; do
	[[ ! -c /dev/full ]] || unwritable "--profile=$what: to a full device" . "--profile=$what:/dev/full"
done
if can_mount tmpfs; then
	mkdir -p disk
	cleaning+=('umount disk 2>/dev/null')
	mount -t tmpfs -o size=64k tmpfs disk
	head -c 100000 /dev/zero >disk/filling 2>out || true
	for what in --save-plan= --profile=json: --profile=trace: --profile=html:; do
		unwritable "$what on a full disk" disk "${what}disk/file"
	done
	umount disk
else
	skip "reports on a full disk: $why"
fi
if can_be_nobody; then
	mkdir -p closed
	chmod 555 closed
	for what in --save-plan= --profile=json:; do
		lay orig
		chmod -R a+rwX work
		observe -t 15 report "${nobody[@]}" "$ccpipe" gzip --progress=none "${what}closed/file" --rm -r work
		if sound "$what in a closed folder"; then
			check "$what in a closed folder: status $status" test "$status" -eq 1
			check "$what in a closed folder: $(ls -A closed)" test -z "$(ls -A closed)"
			if tree_good "$what in a closed folder" -d -g orig work; then pass; fi
		fi
	done
fi
echo "auto: $runs runs, $refused ended with an error: $(columns lost torn partial unfinished orphan hang crash)"
