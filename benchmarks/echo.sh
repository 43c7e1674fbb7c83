#!/bin/sh
# An echo by protocol beside a plain Netty handler, CPython's and uvloop's: the server's processor time for each message.
# usage: benchmarks/echo.sh [--no-build] [--rounds N] [LOAD ...]     (as streams.sh)
ONLY="netty,protocolRetained,protocol,bufferedProtocol,CPython protocol,uvloop protocol"
export ONLY
exec "$(dirname "$0")/streams.sh" "$@"
