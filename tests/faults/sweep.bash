# shellcheck shell=bash
#
# Each system call that matters fails, or ccpipe is killed right before it: strace injects the fault, once, at the Nth call of
# each thread. Nothing lost, no success that is none, nothing partial, no old target lost, no hang, no crash.

make_tree 1000 20000 70000
stop=$tools/preload_stop.so

errors_of() {
	case $1 in
	openat) echo EMFILE EACCES EINTR ;;
	read | pread64) echo EIO EINTR ;;
	write) echo ENOSPC EIO EINTR ;;
	fsync | fdatasync | syncfs) echo EIO EINTR ;;
	close) echo EIO EINTR ;;
	mmap) echo ENOMEM ;;
	eventfd2 | socketpair | signalfd4 | io_uring_setup | epoll_create1) echo EMFILE ;;
	clone | clone3 | fork) echo EAGAIN ;;
	flock) echo EINTR ENOLCK ;;
	io_uring_enter) echo EINTR ;;
	poll | ppoll | epoll_wait | epoll_pwait | recvfrom | sendto) echo EINTR ;;
	rename | renameat2) echo EACCES EINVAL ENOSPC ;;
	linkat | link) echo EACCES ;;
	fchmod | fchown | utimensat | fsetxattr | unlink | unlinkat | newfstatat | fstat | lseek | getdents64) echo EIO EACCES ;;
	esac
}

# hit_eventfd: whether a fault befell a write to an eventfd (its 8 bytes), also where strace cut the line in two.
hit_eventfd() {
	awk '/ write\(/ { start[$1] = $0 }
		/INJECTED/ && index(start[$1], "\\0\\0\\0\\0\\0\\0\\0\", 8") { hit = 1 }
		END { exit !hit }' trace
}

# inject MODE STRATEGY CALL WHEN FAULT (an error, or SIGKILL): one run, judged. (To a pipe strace writes line by line.)
inject() {
	local name="$2, $1, $5 at $3 $4" opts what="error=$5" command tree old=() longest
	[[ $5 != SIGKILL ]] || what="signal=SIGKILL"
	# whoever waits for an eventfd may do so for ever, and that does not count: no need to see it for long
	for longest in 3 15; do
		[[ $3 == write || $longest -eq 15 ]] || continue
		prepare "$1" "$2"
		observe -t $longest -a "strace -qq -f -o |cat>trace -e trace=$3 -e inject=$3:$what:when=$4 -p" report \
			env LD_PRELOAD="$stop" "${command[@]}"
		[[ $how == hang ]] && ! hit_eventfd || break
	done
	runs=$((runs + 1))
	if ! grep -q INJECTED trace; then
		[[ $5 == SIGKILL && $how == signal ]] || vain=$((vain + 1))
	elif hit_eventfd; then
		vain=$((vain + 1)) # an eventfd, which never fails in this way: anything may come of it
		return 0
	fi
	if ! sound "$name"; then
		tree_good "$name" -t "${old[@]}" "${tree[@]}" || true # whatever else, nothing may be lost
		return 0
	fi
	if [[ $5 == SIGKILL ]]; then
		# a worker of proc may have been killed, and its job been tried again
		if [[ $how == exit && $code -eq 0 ]]; then
			tree_good "$name (status 0)" -d "${tree[@]}" && pass
		else
			tree_good "$name" -t "${old[@]}" "${tree[@]}" && pass
		fi
	elif [[ $how == exit && $code -eq 0 ]]; then
		if "$tools/checktree" -d "${tree[@]}" >faults; then
			pass
		else
			count false
			tree_good "$name: status 0" -d "${tree[@]}" || true
		fi
	elif [[ $how == exit && $code -le 2 && -s stderr ]]; then
		# what could not be unlinked because of the fault itself is excused
		local temps=()
		[[ $3 != unlink* ]] || temps=(-t)
		tree_good "$name" "${temps[@]}" "${old[@]}" "${tree[@]}" && pass
	else
		count status
		fail "$name: $how $code: $(head -n 1 stderr)"
	fi
	return 0
}

prepare() { # MODE STRATEGY: sets command, tree, old
	read -ra opts <<<"$(options "$2")"
	tree=(-g orig work)
	case $1 in
	new)
		lay orig
		command=("$ccpipe" gzip "${opts[@]}" --chunk 16K --rm -r work)
		;;
	over)
		lay orig oldgz
		old=(-o oldgz)
		command=("$ccpipe" gzip "${opts[@]}" --chunk 16K --rm -f work/file1 work/file2 work/file3)
		;;
	gunzip)
		lay packed
		tree=(-u orig work)
		command=("$ccpipe" gunzip "${opts[@]}" --rm -r work)
		;;
	esac
}

# sites MODE STRATEGY: lines "MODE STRATEGY CALL WHEN FAULT", every one there is.
sites() {
	local command tree old=() opts call calls n most fault
	prepare "$1" "$2"
	observe -t 20 -a "strace -qq -f -c -U calls,name -o counts -p" report env LD_PRELOAD="$stop" "${command[@]}"
	while read -r calls call; do
		[[ $calls =~ ^[0-9]+$ && -n $(errors_of "$call") ]] || continue
		most=$((calls < 4 ? calls : 4))
		[[ $campaign -eq 0 ]] || most=$((calls < 40 ? calls : 40))
		for ((n = 1; n <= most; n++)); do
			for fault in $(errors_of "$call") SIGKILL; do echo "$1 $2 $call $n $fault"; done
		done
	done <counts
}

runs=0 vain=0
reason=
if ! command -v strace >/dev/null; then
	reason='no strace'
elif ! observe -t 5 -a "strace -qq -f -o |cat>trace -e trace=write -p" report env LD_PRELOAD="$stop" "$ccpipe" --version >out 2>&1 ||
	[[ ! -s trace ]]; then
	reason='strace cannot attach to a process here'
fi
if [[ -n $reason ]]; then
	skip "faults of system calls: $reason"
else
	: >all
	for strategy in threads proc async; do
		for mode in new over gunzip; do
			[[ $strategy != async || $mode == new || $campaign -gt 0 ]] || continue
			sites $mode $strategy >>all
		done
	done
	total=$(wc -l <all)
	if [[ $campaign -gt 0 ]]; then
		cp all chosen
	else
		# each (mode, strategy, call, fault) at one place chosen by chance, and of these so many
		shuf --random-source=<(yes "${CCP_SEED:-1}") all | awk '!seen[$1, $2, $3, $5]++' >each
		awk '!seen[$3, $5]++' each >chosen # every call and fault at least once
		grep -vxFf chosen each >rest || true
		head -n "$(times 150)" rest >>chosen
	fi
	while read -r mode strategy call when fault; do
		inject "$mode" "$strategy" "$call" "$when" "$fault" </dev/null
	done <chosen
	echo "sweep: $runs runs at $(cut -d' ' -f1-4 chosen | sort -u | wc -l) sites (of $total site and fault pairs), $vain without effect:" \
		"$(columns lost false partial torn oldlost hang crash orphan status)"
fi
