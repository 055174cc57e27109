# lib.bash: what the cases of tests/cli share; read before each of them.

# Runs a command and prints its exit status after its output.
st()
{
	local status
	"$@"
	status=$?
	echo "status $status"
	return 0
}

# Leaves the case: it cannot be run here.
skip()
{
	echo "$*" >&2
	exit 77
}

# Skips unless the programs are there.
need()
{
	local program
	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# Prints what stands in the directory, one name a line, quoted, and nothing hidden left out.
names()
{
	find "${1:-.}" -mindepth 1 -printf '%P\n' | sort | cat -A
}

# Runs a command as somebody who may not write everywhere.
as_nobody()
{
	if [[ $(id -u) -eq 0 ]]; then
		command -v setpriv >/dev/null || skip "setpriv is not installed, and root may do everything"
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# Text that compresses, $1 lines of it.
text()
{
	seq -f 'line %06g of a text that compresses well, as texts do' "$1"
}
