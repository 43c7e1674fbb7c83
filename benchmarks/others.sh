#!/bin/sh
# Our low level with programs of others: a protocol server under wrk, datagrams with socat and CPython, and a CONNECT
# proxy by BufferedProtocol between curl and nginx. Says what is missing. Linux only.
# usage: CP=CLASSPATH benchmarks/others.sh     (JAVA_HOME, PYTHON; MEGABYTES of the file, CONNECTIONS through the proxy)
set -eu
cd "$(dirname "$0")/.."
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
cp="${CP:-benchmarks/target/benchmarks.jar}"
megabytes="${MEGABYTES:-200}"
connections="${CONNECTIONS:-200}"
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null || true; rm -rf "$work"' EXIT
has() { command -v "$1" >/dev/null || { echo "$2: skipped, there is no $1"; return 1; }; }
start() { # start PORT COMMAND ...
    listens=$(printf ':%04X 0+:0000 (0A|07) ' "$1") # not an ended connection of an earlier run
    shift
    "$@" >"$work/log" 2>&1 &
    started=$!
    pids="$pids $started"
    until grep -qE "$listens" /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6; do
        kill -0 $started || { cat "$work/log"; exit 1; }
        sleep 0.2
    done
}

if has wrk "protocol server under wrk"; then
    start 19801 "$java" -cp "$cp" asyncio.benchmarks.EchoServer http 19801
    wrk -t1 -c50 -d3s http://127.0.0.1:19801/ >/dev/null
    wrk -t1 -c50 -d5s http://127.0.0.1:19801/ | grep -E 'requests in|Requests/sec|errors' | sed 's/^ */wrk: /'
fi

start 19802 "$java" -cp "$cp" asyncio.benchmarks.UdpEchoes protocol 19802
if has socat "datagrams with socat"; then
    answer=$(printf 'hello from socat' | socat -t 2 - UDP:127.0.0.1:19802)
    [ "$answer" = 'hello from socat' ] && echo "socat: its datagram came back" || { echo "socat: got '$answer'"; exit 1; }
fi
if has "${PYTHON:-python3}" "datagrams with CPython"; then
    "${PYTHON:-python3}" - <<'PY'
import asyncio

class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.left = set(range(1000))
        self.over = asyncio.get_running_loop().create_future()
    def connection_made(self, transport):
        self.transport = transport
        self.next = iter(range(1000))
        for _ in range(20):
            self.send()
    def send(self):
        n = next(self.next, None)
        if n is not None:
            self.transport.sendto(b"datagram %d" % n)
    def datagram_received(self, data, addr):
        self.left.discard(int(data.split()[1]))
        self.send()
        if not self.left:
            self.over.set_result(None)

async def main():
    transport, client = await asyncio.get_running_loop().create_datagram_endpoint(
        Client, remote_addr=("127.0.0.1", 19802))
    await asyncio.wait_for(client.over, 10)
    transport.sendto(b"")
    print("CPython: 1000 datagrams came back")

asyncio.run(main())
PY
fi

if has nginx "proxy between curl and nginx" && has curl "proxy between curl and nginx"; then
    mkdir "$work/www"
    head -c $((megabytes * 1024 * 1024)) /dev/urandom >"$work/www/big"
    head -c 100000 /dev/urandom >"$work/www/small"
    cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log; worker_processes 1;
events { worker_connections 1024; }
http { access_log off; server { listen 127.0.0.1:19803; root $work/www; } }
CONF
    chmod -R a+rX "$work"
    start 19803 nginx -c "$work/nginx.conf"
    start 19804 "$java" -Xmx64m -cp "$cp" asyncio.examples.ConnectProxy 19804
    proxy=$started
    curl -sS --proxytunnel --proxy 127.0.0.1:19804 http://127.0.0.1:19803/big | cmp - "$work/www/big"
    echo "proxy: $megabytes MB came through unchanged, its heap at most 64 MB"
    seq "$connections" | xargs -P "$connections" -I{} curl -sS --proxytunnel --proxy 127.0.0.1:19804 \
        -o "$work/small.{}" http://127.0.0.1:19803/small
    n=0
    for copy in "$work"/small.*; do cmp "$copy" "$work/www/small"; n=$((n + 1)); done
    [ $n = "$connections" ] && echo "proxy: $n connections at a time, all unchanged"
    grep VmHWM /proc/$proxy/status | sed 's/^VmHWM:[^0-9]*/proxy: the most memory of its process was /'
fi
