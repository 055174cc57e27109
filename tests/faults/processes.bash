# shellcheck shell=bash
#
# Threads or processes that cannot be made: fewer workers, or an error at once; never a hang, nothing lost.

make_tree 1000 30000 150000
chmod 755 . # for an unprivileged user
cp "$ccpipe" ccpipe

# few NAME COMMAND...
few() {
	local name=$1
	shift
	observe -t 10 report "$@"
	sound "$name" || return 0
	if [[ $how == exit && $code -eq 0 ]]; then
		done_runs=$((done_runs + 1))
		tree_good "$name" -d -g orig work && pass
	elif [[ $how == exit && $code -eq 1 && -s stderr ]]; then
		error_runs=$((error_runs + 1))
		if [[ $wall_us -gt 1500000 ]]; then
			fail "$name: takes $((wall_us / 1000)) ms to give up"
		else
			tree_good "$name" -g orig work && pass
		fi
	else
		fail "$name: $how $code: $(head -n 1 stderr)"
	fi
	return 0
}

done_runs=0 error_runs=0
group=
root=$(awk '$3 == "cgroup" && $4 ~ /(^|,)pids(,|$)/ { print $2; exit }' /proc/self/mounts)
if [[ -z $root ]]; then
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	[[ -n $root ]] && grep -qw pids "$root/cgroup.subtree_control" 2>/dev/null || root=
fi
if [[ -n $root ]] && mkdir "$root/ccpipe-faults.$$" 2>/dev/null; then
	group=$root/ccpipe-faults.$$
	cleaning+=("rmdir '$group'")
	for strategy in "${all_strategies[@]}"; do
		read -ra opts <<<"$(options "$strategy")"
		for limit in 1 2 3 4 5 6; do
			echo $limit >"$group/pids.max"
			lay orig
			# shellcheck disable=SC2016
			few "$strategy, $limit tasks" bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
				"$ccpipe" gzip "${opts[@]}" -j4 --chunk 16K --rm -r work
		done
	done
	echo "processes: limits on tasks: $done_runs done, $error_runs refused: $(columns lost partial orphan hang crash)"
else
	skip 'limits on tasks: no writable cgroup with pids'
fi

done_runs=0 error_runs=0
if can_be_nobody && command -v prlimit >/dev/null; then
	for strategy in "${all_strategies[@]}"; do
		read -ra opts <<<"$(options "$strategy")"
		for limit in 1 2 3 4; do
			lay orig
			! has_root || chown -R 65534:65534 work
			few "$strategy, RLIMIT_NPROC $limit" "${nobody[@]}" prlimit --nproc=$limit ./ccpipe gzip "${opts[@]}" -j4 \
				--chunk 16K --rm -r work
		done
	done
	echo "processes: RLIMIT_NPROC: $done_runs done, $error_runs refused"
else
	skip 'RLIMIT_NPROC: no way to be an unprivileged user, or no prlimit'
fi
