# shellcheck shell=bash
#
# INT, TERM, HUP in the middle of a large file, of many small ones, while waiting for a silent writer and for a reader that
# reads nothing: ccpipe dies by that signal within a second, sources are there, and nothing partial.

make_tree 3000000
mv orig large
mv packed largegz
rm -rf oldgz oldplain
mkdir small
text 1200000 7 | split -b 4000 -a 3 - small/f
mkfifo silent stuffed
exec 8<>silent 9<>stuffed # someone has them open, and does nothing

# dies NAME SIGNAL: by that signal, in time.
dies() {
	sound "$1" || return 1
	if [[ $how != signal || $code -ne $2 ]]; then
		fail "$1: $how $code and not signal $2: $(head -n 1 stderr)"
		return 1
	fi
}

declare -A moment=([2]=40 [15]=10 [1]=70)
span=0 # how long it takes undisturbed
measure() { # DIR OPTION...
	lay "$1"
	shift
	observe report "$@"
	span=$wall_us
}

for strategy in "${all_strategies[@]}"; do
	read -ra opts <<<"$(options "$strategy")"
	big=("$ccpipe" gzip "${opts[@]}" --chunk 16K -12 --rm work/file1)
	many=("$ccpipe" gzip "${opts[@]}" --rm -r work)
	measure large "${big[@]}"
	big_us=$span
	measure small "${many[@]}"
	many_us=$span
	for signal in 2 15 1; do
		name="$strategy, signal $signal"
		late=0 tries=0
		for share in 10 40 70; do
			# what threads and proc do not show either: another moment for each signal
			[[ $campaign -gt 0 || " ${strategies[*]} " == *" $strategy "* || $share -eq ${moment[$signal]} ]] || continue
			tries=$((tries + 2))
			lay large
			observe -k "$signal@$((big_us * share / 100))" report "${big[@]}"
			if [[ $how == exit && $status -eq 0 ]]; then
				late=$((late + 1)) # the machine was faster this time
			elif dies "$name at $share % of a large file" $signal &&
				tree_good "$name at $share % of a large file" -g large work; then
				pass # or it came when the target had just got its name, and that is whole
			fi
			lay small
			observe -k "$signal@$((many_us * share / 100))" report "${many[@]}"
			if [[ $how == exit && $status -eq 0 ]]; then
				late=$((late + 1))
			elif dies "$name at $share % of many files" $signal &&
				tree_good "$name at $share % of many files" -g small work; then
				pass
			fi
		done
		[[ $late -lt $tries || $tries -lt 6 ]] || fail "$name: came too late each time"
		for place in fifo stdin stdout; do
			where="$name, silent $place"
			case $place in
			fifo) observe -t 3 -k $signal@150000 report "$ccpipe" gzip "${opts[@]}" -c silent >out ;;
			stdin) observe -t 3 -k $signal@150000 report "$ccpipe" gzip "${opts[@]}" -c <silent >out ;;
			# output that does not compress, so that any pipe is full
			stdout) observe -t 3 -k $signal@400000 report "$ccpipe" gunzip "${opts[@]}" -c largegz/file1.gz >stuffed ;;
			esac
			if dies "$where" $signal; then
				if [[ $wall_us -gt 1600000 ]]; then
					fail "$where: takes $((wall_us / 1000)) ms"
				else
					pass
				fi
			fi
			[[ $place != stdout ]] || dd iflag=nonblock bs=64K <stuffed >/dev/null 2>&1 || true # empties it
		done
	done
	lay large
	observe -k "15@$((big_us / 3))" -k "2@$((big_us / 3 + 100))" report "${big[@]}"
	name="$strategy, TERM and INT"
	if sound "$name" && tree_good "$name" -g large work; then
		check "$name: status $status" test "$status" -eq 143 -o "$status" -eq 130 -o "$status" -eq 0
	fi
	observe -i 1 -k 1@100000 -k 15@300000 report "$ccpipe" gzip "${opts[@]}" -c silent >out
	dies "$strategy, HUP ignored (nohup), then TERM" 15 && pass
done
