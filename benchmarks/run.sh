#!/bin/sh
# Measures the same rows on CPython and here, and prints one table. See README.md.
set -eu
cd "$(dirname "$0")/.."

usage="usage: benchmarks/run.sh [--full] [--no-build] [ROW ...]     (JAVA_HOME, MVN, PYTHON from the environment)"
jmh="-f 1 -wi 3 -i 5 -w 500ms -r 500ms"
repeat=3
build=yes
while [ $# -gt 0 ]; do
    case "$1" in
        --full) jmh="-f 3 -wi 5 -i 10 -w 1s -r 1s"; repeat=9 ;;
        --no-build) build=no ;;
        -*) echo "$usage"; exit 2 ;;
        *) break ;;
    esac
    shift
done

java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
python="${PYTHON:-python3}"
jar=benchmarks/target/benchmarks.jar
out=benchmarks/target/results
[ $build = no ] || ${MVN:-mvn} -B -q -Pjmh -pl benchmarks -am -DskipTests package
rm -rf $out
mkdir -p $out

# one expression that selects the rows: a benchmark is named class.row
if [ $# -gt 0 ]; then
    rows="\\.($(echo "$*" | tr ' ' '|'))\$"
else
    rows='(Await|Callback|Scope|Sync)Benchmark'
fi

measure() { # carrier, virtual or platform, number of parked bodies
    echo "$("$java" -version 2>&1 | head -1), bodies on $1 threads ..." >&2
    opens=
    [ "$1" != carrier ] || opens=--add-opens=java.base/java.lang=ALL-UNNAMED # a fork does not read the manifest
    "$java" -jar $jar "$rows" $jmh -prof gc -jvmArgsAppend "-Xms2g -Xmx2g $opens -Dasyncio.bodies.kind=$1" \
        -rf json -rff "$out/$1.json" > "$out/$1.log" 2>&1 || { tail -20 "$out/$1.log" >&2; exit 1; }
    [ "$all" = no ] || "$java" -Xms2g -Xmx2g -XX:+AlwaysPreTouch $opens "-Dasyncio.bodies.kind=$1" \
        -cp $jar asyncio.benchmarks.ParkedBodies "$2" > "$out/$1.parked" 2>> "$out/$1.log"
}

all=yes
[ $# -eq 0 ] || all=no
echo "$($python --version) ..." >&2
$python benchmarks/python/bench.py --repeat $repeat "$@" > $out/python.json
if "$java" --list-modules | grep -qE '^java.base@(2[4-9]|[3-9][0-9])'; then
    measure carrier 100000
    measure virtual 100000
fi
measure platform 3000
$python benchmarks/python/table.py $out
