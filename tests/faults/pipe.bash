# shellcheck shell=bash
#
# A reader that closes its end: ccpipe dies by SIGPIPE without a word. If SIGPIPE is ignored: one message, status 1.

text 20000000 3 >big
gzip -1c big >big.gz

for strategy in "${all_strategies[@]}"; do
	opts=$(options "$strategy")
	for command in "cat $opts big.gz" "gzip $opts -1c big" "gunzip $opts -c big.gz" "gzip $opts -1c big big big"; do
		# shellcheck disable=SC2016
		observe -t 10 report bash -c '"$0" $1 2>words | head -c1 >/dev/null; exit "${PIPESTATUS[0]}"' "$ccpipe" "$command"
		name="$command | head -c1"
		if sound "$name"; then
			check "$name: status $status and not 141" test "$status" -eq 141
			check "$name: says $(head -n 1 words)" test ! -s words
		fi
		# shellcheck disable=SC2016
		observe -i 13 -t 10 report bash -c '"$0" $1 2>words | head -c1 >/dev/null; exit "${PIPESTATUS[0]}"' "$ccpipe" "$command"
		name="trap '' PIPE; $command | head -c1"
		if sound "$name"; then
			check "$name: status $status and not 1" test "$status" -eq 1
			check "$name: $(wc -l <words) messages: $(head -n 2 words | paste -sd/)" test "$(wc -l <words)" -eq 1
		fi
	done
done
