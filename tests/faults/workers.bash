# shellcheck shell=bash
#
# Deaths in strategy proc. One of a worker costs a retry and nothing else; two on the same bytes cost that input, whose error
# names the signal and the bytes, while all others are finished. The death of the helper ends the run, without a hang.

make_tree 1000 30000 70000 300000 150000 5000
opts=(--strategy=proc -j2 --progress=none)
zip=("$ccpipe" gzip "${opts[@]}" --chunk 16K)

for kind in segv kill abort exit oom; do
	for seq in 0 3 12; do
		name="--fault=$kind@$seq"
		lay orig
		observe report "${zip[@]}" "--fault=$kind@$seq" --rm -r work
		if sound "$name"; then
			if [[ $how != exit || $code -ne 0 ]]; then
				fail "$name: $how $code: $(head -n 1 stderr)"
			else
				tree_good "$name" -d -g orig work && pass
			fi
		fi
		name+=x2
		lay orig
		observe report "${zip[@]}" "--fault=$kind@${seq}x2" --rm -r work
		case $kind in
		segv) words='signal 11' ;;
		abort) words='signal 6' ;;
		exit) words='exited with status 3' ;;
		*) words='signal 9' ;;
		esac
		if sound "$name"; then
			if [[ $how != exit || $code -ne 1 ]]; then
				fail "$name: $how $code and not status 1: $(head -n 1 stderr)"
			elif ! grep -q "file[1-6].*$words.*byte" stderr; then
				fail "$name: the message does not name input, '$words' and bytes: $(head -n 1 stderr)"
			elif tree_good "$name" -g orig work; then
				check "$name: $(find work -name '*.gz' | wc -l) of the other 5 are done" \
					test "$(find work -name '*.gz' | wc -l)" -eq 5
			fi
		fi
	done
done

# From outside. A single death is always made good again.
lay orig
observe report "${zip[@]}" --rm -r work
span=$wall_us
runs=$(times 100) right=0 errors=0
for ((n = 0; n < runs; n++)); do
	kills=()
	for ((k = 0; k <= n % 3; k++)); do kills+=("$((RANDOM % span))"); done
	mapfile -t kills < <(printf '%s\n' "${kills[@]}" | sort -n)
	signals=()
	for at in "${kills[@]}"; do signals+=(-w "9@$at"); done
	name="workers killed at ${kills[*]} us"
	if ((n % 2)); then
		lay packed
		tree=(-u orig work)
		observe "${signals[@]}" report "$ccpipe" gunzip "${opts[@]}" --rm -r work
	else
		lay orig
		tree=(-g orig work)
		observe "${signals[@]}" report "${zip[@]}" --rm -r work
	fi
	sound "$name" || continue
	if [[ $status -eq 0 ]]; then
		right=$((right + 1))
		tree_good "$name" -d "${tree[@]}" && pass
	elif [[ $status -eq 1 && -s stderr && ${#kills[@]} -gt 1 ]]; then
		errors=$((errors + 1))
		tree_good "$name" "${tree[@]}" && pass
	else
		fail "$name: status $status: $(head -n 1 stderr)"
	fi
done
echo "workers: $runs runs with workers killed, $right right, $errors with an error: $(columns lost torn partial orphan hang crash)"

runs=$(times 20) ended=0
for ((n = 0; n < runs; n++)); do
	at=$((RANDOM % span))
	name="helper killed at $at us"
	lay orig
	observe -t 10 -c "9@$at" report "${zip[@]}" --rm -r work
	sound "$name" || continue
	if [[ $status -gt 1 ]]; then
		fail "$name: status $status: $(head -n 1 stderr)"
	elif [[ $status -eq 0 ]]; then
		tree_good "$name" -d -g orig work && pass
	else
		ended=$((ended + 1))
		check "$name: no message" test -s stderr
		tree_good "$name" -g orig work && pass
	fi
done
echo "workers: $runs runs with the helper killed, $ended ended with an error"
text 30000000 5 >long
observe -t 20 -c 9@100000 report "${zip[@]}" -9 -c long >out
sound "helper killed in a large file" && check "helper killed in a large file: status $status" test "$status" -eq 1
