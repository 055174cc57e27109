# shellcheck shell=bash
#
# Too few descriptors: everything done, or status 1 with a message; nothing lost. And standard descriptors that are closed.

make_tree 1000 30000 150000
command -v prlimit >/dev/null || skip 'limits on descriptors: no prlimit'

for strategy in "${all_strategies[@]}"; do
	read -ra opts <<<"$(options "$strategy")"
	opts+=(--chunk 16K)
	command -v prlimit >/dev/null || break
	for limit in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20; do
		name="$strategy, $limit descriptors"
		lay orig
		observe -t 10 report prlimit --nofile=$limit "$ccpipe" gzip "${opts[@]}" --rm work/file1 work/file2 work/file3
		sound "$name" || continue
		if [[ $how == exit && $code -eq 0 ]]; then
			tree_good "$name" -d -g orig work && pass
		elif [[ $how == exit && $code -eq 1 && -s stderr ]]; then
			tree_good "$name" -g orig work && pass
		elif grep -q 'loading shared libraries' stderr; then
			tree_good "$name" -g orig work && pass # the dynamic loader's end, before main
		else
			fail "$name: $how $code: $(head -n 1 stderr)"
		fi
	done
done

for strategy in "${all_strategies[@]}"; do
	words=$(options "$strategy")
	for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		name="$strategy, $closed"
		lay orig
		observe -t 10 report bash -c "exec \"\$0\" gzip $words --chunk 16K --rm -r work $closed" "$ccpipe"
		if sound "$name"; then
			check "$name: status $status" test "$status" -eq 0
			tree_good "$name" -d -g orig work && pass
		fi
		lay orig
		observe -t 10 report bash -c "exec \"\$0\" gzip $words -c work/file1 work/missing $closed" "$ccpipe" >out
		if sound "$name, -c"; then
			check "$name, -c: status $status" test "$status" -eq 1
			[[ $closed == *' >&-'* || $closed == '>&-'* ]] || check "$name, -c: output" cmp -s <(gzip -dc out 2>/dev/null) orig/file1
			tree_good "$name, -c" -g orig work && pass
		fi
		observe -t 10 report bash -c "exec \"\$0\" gzip $words $closed" "$ccpipe" <orig/file2 >out
		if sound "$name, filter"; then
			if [[ $closed == '2>&-' ]]; then
				check "$name, filter: output" cmp -s <(gzip -dc out) orig/file2
			else
				check "$name, filter: status $status" test "$status" -eq 1
			fi
		fi
	done
done
