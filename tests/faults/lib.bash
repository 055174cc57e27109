# shellcheck shell=bash
#
# lib.bash: usage: bash lib.bash CASE: runs one case in the current folder; what the cases share is here.
#
# Set by tests/faults/run: ccpipe, tools, here, level.
set -euo pipefail

case_name=$1
passed=0 failed=0 skipped=0
campaign=${CCP_CAMPAIGN:-0}
RANDOM=${CCP_SEED:-1}
strategies=(threads proc)
all_strategies=(serial threads proc omp async)
declare -A column=() # failures by kind, for the summary of a case

# ---- counting ---------------------------------------------------------------------------------------------------------

pass() { passed=$((passed + 1)); }

fail() { # WORDS...
	failed=$((failed + 1))
	printf 'FAIL %s: %s\n' "$case_name" "$*"
}

skip() { # WHAT: WHY...
	skipped=$((skipped + 1))
	printf 'SKIP %s: %s\n' "$case_name" "$*"
}

# check NAME TEST...: passes if the command succeeds.
check() {
	local name=$1
	shift
	if "$@"; then pass; else fail "$name"; fi
}

# How many random runs: a quarter if asked to be quick, more in a campaign.
times() { # N
	local n=$1
	[[ $level != small ]] || n=$(((n + 3) / 4))
	[[ $campaign -eq 0 ]] || n=$((n * campaign))
	echo "$n"
}

finish() {
	local status=$?
	trap - EXIT
	for ((i = ${#cleaning[@]} - 1; i >= 0; i--)); do eval "${cleaning[i]}" || true; done
	[[ $status -eq 0 ]] || return 0
	printf 'counted %d %d %d\n' "$passed" "$failed" "$skipped" >"../$case_name.counts"
}
cleaning=() # commands, done in reverse order at the end, however it comes
trap finish EXIT
trap 'exit 130' INT TERM HUP

# ---- running ----------------------------------------------------------------------------------------------------------

# observe [OPTION OF supervise]... COMMAND...: sets how (exit, signal, hang), code, status (as a shell would have it),
# wall_us, orphans, rss_kb, pss_kb; the command's stderr is in ./stderr. Its stdout and stdin are the caller's.
how='' code=0 status=0 wall_us=0 orphans=0 rss_kb=0 pss_kb=0
observe() {
	local fields field
	timeout -k 5 600 "$tools/supervise" "$@" 2>stderr || { echo "supervise $*: failed: $(tail -n 2 stderr)"; exit 1; }
	read -r how code fields <report
	for field in $fields; do printf -v "${field%%=*}" %s "${field#*=}"; done
	status=$code
	[[ $how == exit ]] || status=$((128 + code))
}

# sound NAME: what was observed neither hung nor crashed nor left a process behind.
sound() {
	if [[ $how == hang ]]; then
		count hang
		fail "$1: hangs"
	elif [[ $how == signal && " 4 6 7 8 11 " == *" $code "* ]]; then
		count crash
		fail "$1: crashes by signal $code: $(head -n 1 stderr)"
	elif grep -q 'AddressSanitizer\|runtime error:' stderr; then
		count crash
		fail "$1: $(grep -m 1 'Sanitizer\|runtime error:' stderr)"
	elif [[ $orphans -gt 0 ]]; then
		count orphan
		fail "$1: leaves $orphans processes behind"
	else
		return 0
	fi
	return 1
}

count() { column[$1]=$((${column[$1]:-0} + 1)); }

columns() { # NAME...: "lost 0, torn 0"
	local name text=
	for name in "$@"; do text+=", $name ${column[$name]:-0}"; done
	echo "${text#, }"
}

# tree_good NAME [OPTION OF checktree]... ORIGINAL FOLDER
tree_good() {
	local name=$1 what file
	shift
	if "$tools/checktree" "$@" >faults; then
		return 0
	fi
	if [[ ! -s faults ]]; then
		echo "checktree $*: failed"
		exit 1
	fi
	while read -r what file; do count "$what"; done <faults
	fail "$name: $(paste -sd , faults) $(head -n 1 stderr 2>/dev/null)"
	return 1
}

# ---- inputs -----------------------------------------------------------------------------------------------------------

text() { "$tools/makedata" "$1" "${2:-1}"; } # BYTES [SEED]

# make_tree [SIZE...]: orig (plain files), packed (the same, as .gz), oldgz and oldplain (targets from another time).
make_tree() {
	local i=0 size
	mkdir -p orig packed oldgz oldplain
	for size in "$@"; do
		i=$((i + 1))
		text "$size" "$i" >"orig/file$i"
		gzip -nc "orig/file$i" >"packed/file$i.gz"
		text "$((size / 2 + 10))" "$((i + 1000))" >"oldplain/file$i"
		gzip -nc "oldplain/file$i" >"oldgz/file$i.gz"
	done
}

# lay NAME...: a fresh folder `work` with what is in those folders.
lay() {
	local from
	rm -rf work
	mkdir work
	for from in "$@"; do cp -r "$from/." work; done
}

# The option that selects a strategy, two workers; with chunks so small that there are many jobs.
options() { # STRATEGY
	echo "--strategy=$1 -j2 --progress=none"
}

has_root() { [[ $(id -u) -eq 0 ]]; }

# as_nobody: the words before a command that make it run as an unprivileged user, or fails.
nobody=()
if has_root; then
	nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
can_be_nobody() { [[ ${#nobody[@]} -eq 0 ]] || "${nobody[@]}" true 2>/dev/null; }

# can_mount: whether file systems can be mounted here; the reason in $why.
why=
can_mount() { # TYPE
	if ! has_root; then
		why='not root'
		return 1
	fi
	mkdir -p mounted
	if [[ $1 == loop ]]; then
		if ! command -v mkfs.ext4 >/dev/null; then
			why='no mkfs.ext4'
			return 1
		fi
		truncate -s 4M probe.img
		mkfs.ext4 -q -F probe.img
		if ! mount -o loop probe.img mounted 2>/dev/null; then
			why='loop devices cannot be mounted here'
			return 1
		fi
	elif ! mount -t tmpfs -o size=64k tmpfs mounted 2>/dev/null; then
		why='tmpfs cannot be mounted here'
		return 1
	fi
	umount mounted
}

# shellcheck source=/dev/null
. "$here/$case_name.bash"
