#!/bin/sh
# The same pages by Spring Boot as bodies, as plain WebFlux and on Boot's virtual threads, under wrk and by turns. See README.md. Linux only.
set -eu
cd "$(dirname "$0")/.."
# usage: benchmarks/spring.sh [--no-build] [--rounds N] [--seconds N] [--warm N] [PAGE ...]     (JAVA_HOME of 25 or later, MVN; ONLY=webflux,carried)
build=yes
rounds=5
seconds=3
warm=20
while [ $# -gt 0 ]; do
    case "$1" in
        --no-build) build=no ;;
        --rounds) shift; rounds=$1 ;;
        --seconds) shift; seconds=$1 ;;
        --warm) shift; warm=$1 ;;
        -*) sed -n 's/^# usage/usage/p' "$0"; exit 2 ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- order later both
command -v wrk >/dev/null || { echo "There is no wrk"; exit 1; }
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
[ $build = no ] || ${MVN:-mvn} -B -q -f benchmarks/spring/pom.xml compile dependency:build-classpath -Dmdep.outputFile=target/cp
cp="benchmarks/spring/target/classes:$(cat benchmarks/spring/target/cp)"
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

start() { # start ROW PORT KIND [OPTION ...]
    name=$1 port=$2 kind=$3
    shift 3
    "$java" -Xmx512m --enable-native-access=ALL-UNNAMED "$@" -cp "$cp" asyncio.benchmarks.spring.Shops "$kind" "$port" http://127.0.0.1:19900 >"$work/$name.log" 2>&1 &
    pids="$pids $!"
    echo $! >"$work/$name.pid"
}
ready() { # ready ROW
    until grep -qs '^ready' "$work/$1.log"; do
        kill -0 "$(cat "$work/$1.pid")" || { cat "$work/$1.log"; exit 1; }
        sleep 0.2
    done
}
ticks() { # ticks ROW: processor time so far, but for the JIT compiler's
    cat /proc/"$(cat "$work/$1.pid")"/task/*/stat 2>/dev/null | awk '!/Compiler/ {sub(/.*\) /, ""); n += $12 + $13} END {print n}'
}
load() { # load ROW PORT PAGE SECONDS: prints requests a second, us of the server's processor time for each
    before=$(ticks "$1")
    wrk -t1 -c50 --timeout 20s "-d${4}s" "http://127.0.0.1:$2/$3/7" >"$work/wrk"
    after=$(ticks "$1")
    grep -q 'Socket errors\|Non-2xx' "$work/wrk" && { cat "$work/wrk" >&2; exit 1; }
    awk -v ticks="$((after - before))" -v hertz="$(getconf CLK_TCK)" \
        '/requests in/ {n = $1} /Requests\/sec/ {r = $2} END {printf "%.0f %.1f\n", r, ticks / hertz * 1e6 / n}' "$work/wrk"
}

start suppliers 19900 webflux
case ",${ONLY:-webflux}," in
    *,webflux,*) ;;
    *) echo "ONLY=$ONLY: webflux must be among them, since others are compared with it"; exit 2 ;;
esac
rows=
row() { # row ROW PORT KIND [OPTION ...], if wanted
    case ",${ONLY:-$1}," in
        *",$1,"*) rows="$rows $1:$2"; start "$@" ;;
    esac
}
row webflux 19901 webflux
row carried 19902 bodies --add-opens=java.base/java.lang=ALL-UNNAMED -Dasyncio.bodies.kind=carrier
row onVirtual 19903 bodies -Dasyncio.bodies.kind=virtual
row virtual 19904 virtual
for row in suppliers:19900 $rows; do ready "${row%:*}"; done
for page in "$@"; do
    for row in $rows; do
        load "${row%:*}" "${row#*:}" "$page" "$warm" >/dev/null
    done
done
for round in $(seq "$rounds"); do
    for page in "$@"; do
        for row in $rows; do
            figures=$(load "${row%:*}" "${row#*:}" "$page" "$seconds")
            echo "$page ${row%:*} $round $figures" >>"$work/figures"
        done
    done
done
# the medians, and the medians of the ratios to plain WebFlux in the same round
awk '
    function median(text, n, parts, i, j, swap) {
        n = split(text, parts, " ")
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (parts[j] + 0 < parts[i] + 0) {swap = parts[i]; parts[i] = parts[j]; parts[j] = swap}
        return n % 2 ? parts[(n + 1) / 2] : (parts[n / 2] + parts[n / 2 + 1]) / 2
    }
    {
        key = $1 " " $2
        if (!(key in rates)) order[++keys] = key
        if ($2 == "webflux") {base[$1, $3] = $4; cost[$1, $3] = $5}
        rates[key] = rates[key] " " $4
        costs[key] = costs[key] " " $5
        ratios[key] = ratios[key] " " $4 / base[$1, $3]
        costRatios[key] = costRatios[key] " " $5 / cost[$1, $3]
    }
    END {
        print "| page | server | requests/s | of WebFlux | us of processor | of WebFlux |"
        print "|---|---|--:|--:|--:|--:|"
        for (i = 1; i <= keys; i++) {
            split(order[i], names, " ")
            printf "| %s | %s | %.0f | %.2f | %.0f | %.2f |\n", names[1], names[2], median(rates[order[i]]),
                median(ratios[order[i]]), median(costs[order[i]]), median(costRatios[order[i]])
        }
    }' "$work/figures"
