# shellcheck shell=bash
#
# A dying device: an ext4 file system on a loop device whose file cannot grow any more. write(2) succeeds, and only fsync tells.
# gzip --rm must not believe that the target is there.

if can_mount loop; then
	cleaning+=('umount dying 2>/dev/null; umount backing 2>/dev/null')
	mkdir backing dying
	for strategy in "${strategies[@]}"; do
		for over in false true; do
			mount -t tmpfs -o size=12m tmpfs backing
			truncate -s 40M backing/image
			mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 -J size=4 backing/image
			mount -o loop backing/image dying
			rm -rf orig
			mkdir orig
			head -c 1500000 /dev/urandom >orig/file1
			cp orig/file1 dying
			sync -f dying
			dd if=/dev/zero of=backing/filling bs=64K 2>/dev/null || true
			read -ra opts <<<"$(options "$strategy")"
			name="$strategy, dying device"
			$over && name+=', -f' && opts+=(-f)
			observe report "$ccpipe" gzip "${opts[@]}" --rm dying/file1
			if sound "$name"; then
				check "$name: status $status" test "$status" -ne 0
				check "$name: the source is gone" cmp -s orig/file1 dying/file1
			fi
			umount dying
			umount backing
		done
	done
else
	skip "dying device: $why"
fi
