#!/bin/sh
# Children of CPython and of this library, by turns: one table. See README.md. Linux only.
set -eu
cd "$(dirname "$0")/.."

usage="usage: benchmarks/subprocess.sh [--no-build] [--rounds N]     (JAVA_HOME, MVN, PYTHON from the environment)"
build=yes
rounds=5
while [ $# -gt 0 ]; do
    case "$1" in
        --no-build) build=no ;;
        --rounds) shift; rounds=$1 ;;
        *) echo "$usage"; exit 2 ;;
    esac
    shift
done
[ $build = no ] || ${MVN:-mvn} -B -q -Pjmh -pl benchmarks -am -DskipTests package
exec "${PYTHON:-python3}" benchmarks/python/children.py table --rounds "$rounds" \
    --java "${JAVA_HOME:+$JAVA_HOME/bin/}java" --jar benchmarks/target/benchmarks.jar
