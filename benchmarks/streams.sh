#!/bin/sh
# Echo servers under one load generator: processor time for each message. See README.md. Linux only.
set -eu
cd "$(dirname "$0")/.."

usage="usage: benchmarks/streams.sh [--no-build] [--rounds N] [LOAD ...]     (loads: line pipelined bulk; JAVA_HOME, MVN, PYTHON, CC; CP: a class path in place of the jar; ONLY: servers, with commas)"
build=yes
rounds=5
while [ $# -gt 0 ]; do
    case "$1" in
        --no-build) build=no ;;
        --rounds) shift; rounds=$1 ;;
        -*) echo "$usage"; exit 2 ;;
        *) break ;;
    esac
    shift
done
loads="${*:-line pipelined bulk}"
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
python="${PYTHON:-python3}"
jar="${CP:-benchmarks/target/benchmarks.jar}"
work=benchmarks/target/streams
[ $build = no ] || ${MVN:-mvn} -B -q -Pjmh -pl benchmarks -am -DskipTests package
mkdir -p $work
"${CC:-cc}" -O2 -w -o $work/load benchmarks/src/main/c/load.c
exec "$python" benchmarks/python/streams.py ${ONLY:+--only "$ONLY"} --rounds "$rounds" --java "$java" --jar "$jar" --load $work/load $loads
