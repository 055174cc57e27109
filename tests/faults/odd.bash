# shellcheck shell=bash
#
# Odd pipes: a FIFO, a pipe that gives a byte at a time, one that takes little at a time, and those that do not block.

text 300000 4 >plain
text 3000 5 >short
gzip -c plain >plain.gz
mkfifo fifo

same() { # NAME GOT WANTED
	if sound "$1"; then
		check "$1: status $status: $(head -n 1 stderr)" test "$status" -eq 0
		check "$1: other bytes" cmp -s "$2" "$3"
	fi
}

for strategy in "${all_strategies[@]}"; do
	read -ra opts <<<"$(options "$strategy")"
	zip=("$ccpipe" gzip "${opts[@]}" --chunk 16K -c)
	unzip=("$ccpipe" gunzip "${opts[@]}" -c)

	cat plain >fifo &
	observe -t 10 report "${zip[@]}" fifo >out
	gzip -dc out >got || true
	same "$strategy, gzip of a FIFO" got plain
	wait
	cat plain.gz >fifo &
	observe -t 10 report "$ccpipe" cat "${opts[@]}" fifo >out
	same "$strategy, cat of a FIFO" out plain
	wait

	observe -t 10 report "${zip[@]}" >out < <("$tools/trickle" 1 10 <short)
	gzip -dc out >got || true
	same "$strategy, gzip of a byte at a time" got short
	observe -t 10 report "${unzip[@]}" >out < <(gzip -c short | "$tools/trickle" 1 10)
	same "$strategy, gunzip of a byte at a time" out short

	"$tools/trickle" 7000 3000 <plain | {
		observe -t 10 report "$tools/nonblock" "${zip[@]}" | "$tools/trickle" 4096 500 >out
		cp report said
	}
	read -r how code _ <said
	status=$code orphans=0
	gzip -dc out >got || true
	same "$strategy, gzip, descriptors that do not block" got plain
	"$tools/trickle" 7000 3000 <plain.gz | {
		observe -t 10 report "$tools/nonblock" "${unzip[@]}" | "$tools/trickle" 16384 500 >out
		cp report said
	}
	read -r how code _ <said
	status=$code
	same "$strategy, gunzip, descriptors that do not block" out plain
done
