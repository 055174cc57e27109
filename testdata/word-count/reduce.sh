#!/bin/sh
export LC_ALL=C
awk -F '\t' '$1 "" != key { if (NR > 1) print key "\t" n; key = $1 ""; n = 0 } { n += $2 } END { if (NR) print key "\t" n }'
