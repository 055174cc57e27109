#!/bin/sh
export LC_ALL=C
tr -cs 'A-Za-z0-9' '\n' | awk 'NF { print $1 "\t1" }'
