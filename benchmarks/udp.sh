#!/bin/sh
# UDP echo servers under one load: datagrams a second, and processor time for each. See README.md. Linux only.
set -eu
cd "$(dirname "$0")/.."
# usage: benchmarks/udp.sh [--no-build] [SECONDS]     (JAVA_HOME, MVN, PYTHON, CP: a class path in place of the jar)
build=yes
if [ "${1:-}" = --no-build ]; then build=no; shift; fi
seconds="${1:-3}"
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
[ $build = no ] || ${MVN:-mvn} -B -q -Pjmh -pl benchmarks -am -DskipTests package
cp="${CP:-benchmarks/target/benchmarks.jar}"
main=asyncio.benchmarks.UdpEchoes
port=19770
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true' EXIT
run() { # run NAME COMMAND ...
    name=$1; shift
    port=$((port + 1))
    "$@" $port >/dev/null 2>&1 &
    server=$!
    hex=$(printf ':%04X ' "$port")
    until grep -q "$hex" /proc/net/udp /proc/net/udp6; do
        kill -0 $server || exit 1
        sleep 0.2
    done
    printf '%-12s ' "$name"
    "$java" -cp "$cp" $main load $port "$seconds" $server
    kill $server
}
run netty "$java" -cp "$cp" $main netty
run protocol "$java" -cp "$cp" $main protocol
run datagrams "$java" -cp "$cp" $main datagrams
run CPython "${PYTHON:-python3}" benchmarks/python/udp.py
