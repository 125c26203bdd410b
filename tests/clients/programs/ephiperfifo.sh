#!/bin/sh
# SPDX-License-Identifier: MIT
# ephiperfifo.sh PROGRAM URL: the example reads URLs from a fifo that it makes, until SIGINT.
set -eu
rm -f hiper.fifo
stdbuf -oL "$1" >said 2>/dev/null &
program=$!
trap 'kill "$program" 2>/dev/null || true' EXIT
until [ -p hiper.fifo ]; do sleep 0.02; done
printf '%s\n' "$2?1" "$2?2" "$2?3" >hiper.fifo
tries=0
until [ "$(grep -c '^DONE' said)" -eq 3 ] || [ "$tries" -eq 500 ]; do
	tries=$((tries + 1))
	sleep 0.02
done
kill -INT "$program"
wait "$program" || true
grep '^DONE' said | sort
