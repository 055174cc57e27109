# shellcheck shell=bash
#
# A gigabyte of zeros in 4.7 MB is decoded in bounded memory: 64 MiB and 8 MiB a worker.

bytes=$((1 << 30))
[[ $level != small ]] || bytes=$((1 << 28))
head -c $bytes /dev/zero | "$ccpipe" gzip -9 -c >bomb.gz
limit_kb=$(((64 + 2 * 8) * 1024))
for strategy in "${all_strategies[@]}"; do
	read -ra opts <<<"$(options "$strategy")"
	for command in "gunzip -c" "test"; do
		[[ $command != test || " ${strategies[*]} " == *" $strategy "* ]] || continue
		name="$strategy, $command bomb.gz"
		# shellcheck disable=SC2086
		observe -m -t 60 report "$ccpipe" $command "${opts[@]}" bomb.gz > >(wc -c >size)
		sound "$name" || continue
		wait $! || true
		check "$name: status $status: $(head -n 1 stderr)" test "$status" -eq 0
		[[ $command == test ]] || check "$name: $(cat size) bytes" test "$(cat size)" -eq $bytes
		peak=$((rss_kb > pss_kb ? rss_kb : pss_kb))
		check "$name: peak $peak KiB" test $peak -le $limit_kb
		echo "bomb: $name: peak $peak KiB of $limit_kb, $((wall_us / 1000)) ms"
	done
done
