# shellcheck shell=bash
#
# A source that is truncated, grown, replaced or removed while it is read: never success without a word, and what bears the
# source's name then is not removed. A target, if there is one, is whole: what was read before a replacement or a removal.

mkdir orig
text 3000000 9 >orig/file1
text 1000 10 >other

for strategy in "${all_strategies[@]}"; do
	read -ra opts <<<"$(options "$strategy")"
	for change in truncate grow replace remove touch; do
		name="$strategy, $change"
		lay orig
		rm -f changed
		cp other work/.other
		(
			# not before the source is being read: the target's temporary is there
			for ((n = 0; n < 500; n++)); do
				! compgen -G 'work/.file1*tmp' >/dev/null || break
				sleep 0.01
			done
			sleep 0.05
			[[ -e work/file1 && ! -e work/file1.gz ]] || exit 0
			touch changed
			case $change in
			truncate) truncate -s 2900000 work/file1 ;;
			grow) echo more >>work/file1 ;;
			replace) mv work/.other work/file1 ;;
			remove) rm work/file1 ;;
			touch) touch -d yesterday work/file1 ;;
			esac
		) &
		observe report "$ccpipe" gzip "${opts[@]}" --chunk 16K -12 --rm work/file1
		wait $!
		rm -f work/.other
		sound "$name" || continue
		if [[ ! -e changed ]]; then
			skip "$name: the run was over before the change ($((wall_us / 1000)) ms)"
			continue
		fi
		check "$name: status $status" test "$how" = exit -a "$status" -ge 1 -a "$status" -le 2
		check "$name: the message does not name the file: $(head -n 1 stderr)" grep -q file1 stderr
		case $change in
		truncate) check "$name: the source" test "$(stat -c %s work/file1 2>&1)" = 2900000 ;;
		grow) check "$name: the source" test "$(stat -c %s work/file1 2>&1)" = 3000005 ;;
		replace) check "$name: the new file was removed" cmp -s other work/file1 ;;
		remove) pass ;;
		touch) check "$name: the source" cmp -s orig/file1 work/file1 ;;
		esac
		if [[ -e work/file1.gz ]]; then
			check "$name: the target is damaged" gzip -t work/file1.gz
			# an appended line may have been read or not
			check "$name: the target is not what was read" cmp -s <(gzip -dc work/file1.gz | head -c 3000000) orig/file1
		fi
		check "$name: left behind" test -z "$(find work -name '.*' -type f)"
	done
done
