# shellcheck shell=bash
#
# No room: a small tmpfs (a target beside its source, --output-dir, -o, standard output), /dev/full, a limit on file sizes.
# Status 1 and a message; the source is there, nothing partial is.

make_tree 3000
head -c 150000 /dev/urandom >orig/random
gzip -c orig/random >packed/random.gz
cleaning+=('umount disk 2>/dev/null')

# refused NAME: status 1 and a message.
refused() {
	sound "$1" || return 1
	if [[ $how != exit || $code -ne 1 ]]; then
		fail "$1: $how $code and not status 1: $(head -n 1 stderr)"
		return 1
	fi
	if [[ ! -s stderr ]]; then
		fail "$1: no message"
		return 1
	fi
}

if can_mount tmpfs; then
	mkdir disk
	for strategy in "${all_strategies[@]}"; do
		read -ra opts <<<"$(options "$strategy")"
			for way in beside dir file stdout gunzip; do
			mount -t tmpfs -o size=256k tmpfs disk
			head -c 130000 /dev/zero >disk/filling
			name="$strategy, full disk, $way"
			lay orig
			case $way in
			beside)
				rm disk/filling
				cp orig/* disk
				observe report "$ccpipe" gzip "${opts[@]}" --chunk 16K --rm -r disk
				refused "$name" && tree_good "$name" -g orig disk && pass # the other one may have met the full disk too
				;;
			gunzip)
				rm disk/filling
				cp packed/* disk
				observe report "$ccpipe" gunzip "${opts[@]}" --rm -r disk
				refused "$name" && tree_good "$name" -u orig disk && pass
				;;
			dir)
				observe report "$ccpipe" gzip "${opts[@]}" --chunk 16K --rm --output-dir disk/out work/random work/file1
				refused "$name" && check "$name: the source" cmp orig/random work/random
				check "$name: partial" test -z "$(find disk -name '*random*')"
				;;
			file)
				observe report "$ccpipe" gzip "${opts[@]}" --chunk 16K -o disk/out work/file1 work/random
				refused "$name" && check "$name: partial: $(ls -A disk)" test "$(ls -A disk)" = filling
				;;
			stdout)
				observe report "$ccpipe" gzip "${opts[@]}" --chunk 16K -c work/file1 work/random >disk/out
				refused "$name" && pass
				;;
			esac
			umount disk
		done
	done
	for reducers in 0 3; do
		mount -t tmpfs -o size=256k tmpfs disk
		head -c 130000 /dev/zero >disk/filling
		observe report "$ccpipe" mr --map cat --reducers $reducers -o disk/out orig/random orig/file1
		refused "mr, full disk, $reducers reducers" &&
			check "mr, $reducers reducers: partial: $(ls -A disk)" test "$(ls -A disk)" = filling
		umount disk
	done
else
	skip "full disk: $why"
fi

for strategy in "${all_strategies[@]}"; do
	read -ra opts <<<"$(options "$strategy")"
	if [[ -c /dev/full ]]; then
		for file in file1 random; do
			observe report "$ccpipe" gzip "${opts[@]}" --chunk 16K -c orig/$file >/dev/full
			refused "$strategy, gzip -c $file >/dev/full" && pass
			observe report "$ccpipe" cat "${opts[@]}" packed/$file.gz >/dev/full
			refused "$strategy, cat $file.gz >/dev/full" && pass
		done
	else
		skip '/dev/full: not there'
	fi
	name="$strategy, ulimit -f"
	lay orig
	# shellcheck disable=SC2016
	observe report bash -c 'ulimit -f 20; exec "$@"' - "$ccpipe" gzip "${opts[@]}" --chunk 16K --rm -r work
	refused "$name" && tree_good "$name" -g orig work && check "$name: the other file" test -s work/file1.gz
done
