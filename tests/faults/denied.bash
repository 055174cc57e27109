# shellcheck shell=bash
#
# A folder that cannot be written to, a source that cannot be read, as an unprivileged user.

make_tree 1000 30000 5000
chmod 755 .
cp "$ccpipe" ccpipe

if can_be_nobody; then
	for strategy in "${all_strategies[@]}"; do
		read -ra opts <<<"$(options "$strategy")"
		lay orig
		! has_root || chown -R 65534:65534 work
		chmod 555 work
		name="$strategy, read-only folder"
		observe report "${nobody[@]}" ./ccpipe gzip "${opts[@]}" --rm -r work
		chmod 755 work
		if sound "$name" && tree_good "$name" -g orig work; then
			check "$name: status $status" test "$status" -eq 1
			check "$name: $(wc -l <stderr) messages, not 3" test "$(grep -c file stderr)" -eq 3
			check "$name: targets" test -z "$(find work -name '*.gz')"
		fi
		chmod 555 work
		observe report "${nobody[@]}" ./ccpipe gzip "${opts[@]}" -c work/file1 >out
		chmod 755 work
		check "$strategy, read-only folder, -c: status $status" test "$status" -eq 0

		lay orig
		! has_root || chown -R 65534:65534 work
		chmod 000 work/file2
		name="$strategy, unreadable source"
		observe report "${nobody[@]}" ./ccpipe gzip "${opts[@]}" --rm -r work
		if sound "$name"; then
			chmod 644 work/file2
			check "$name: status $status" test "$status" -eq 1
			check "$name: the message: $(head -n 1 stderr)" grep -q 'file2.*Permission denied' stderr
			tree_good "$name" -g orig work
			check "$name: the others" test -s work/file1.gz -a -s work/file3.gz -a ! -e work/file1
		fi
		# the other one's file in a folder of ours: the target can be made, the source cannot go
		lay orig
		if has_root; then
			chmod 1777 work
			name="$strategy, sticky folder"
			observe report "${nobody[@]}" ./ccpipe gzip "${opts[@]}" --rm -r work
			if sound "$name" && tree_good "$name" -g orig work; then
				check "$name: status $status" test "$status" -ne 0
			fi
		fi
	done
else
	skip 'permissions: no way to be an unprivileged user'
fi
