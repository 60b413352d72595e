#!/bin/sh
# Runs the official protocol test suites against the conformance app.
#
#	suites.sh [ENGINE_IO_SUITE] [SOCKET_IO_SUITE]
#
# The arguments are the folders test-suite of checkouts of
# socketio/engine.io-protocol and socketio/socket.io-protocol; "" leaves one
# out; README.md says how to prepare them. The suites want the server on
# http://localhost:3000, which must be free, with the intervals given below.
# They measure those 200 and 300 ms against the clock, so on a busy machine any
# server fails some test now and then: MOCHA_RETRIES (3 unless set) says how
# often a test may be tried again.
#
# SOCKEYE_E2E_SERVER: sockeye (the default), node4 or both; SOCKEYE_E2E_RACE
# builds ours with the race detector.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
server=${SOCKEYE_E2E_SERVER:-sockeye}
work=$(mktemp -d)
pid=
end() {
	status=$?
	if [ -n "$pid" ]; then
		kill "$pid" 2>/dev/null || :
		wait "$pid" || { echo "server ended with status $?" >&2; status=1; }
	fi
	rm -rf "$work"
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

set -- "${1:-}" "${2:-}"
if [ -z "$1$2" ]; then
	echo "usage: suites.sh [ENGINE_IO_SUITE] [SOCKET_IO_SUITE]" >&2
	exit 2
fi

mkfifo "$work/stdout"
flags="-addr localhost:3000 -ping-interval 300ms -ping-timeout 200ms"
case $server in
sockeye)
	go build -C "$here/.." ${SOCKEYE_E2E_RACE:+-race} -o "$work/conformance" ./cmd/conformance
	# shellcheck disable=SC2086 # the flags are meant to be split
	"$work/conformance" $flags >"$work/stdout" &
	;;
*)
	# shellcheck disable=SC2086
	node "$here/reference/server.js" "$server" $flags >"$work/stdout" &
	;;
esac
pid=$!
exec 3<"$work/stdout"
if ! read -r line <&3; then
	echo "server did not start" >&2
	exit 1
fi
echo "$server: $line"

failed=0
for suite in "$1" "$2"; do
	[ -n "$suite" ] || continue
	(cd "$suite" && node_modules/.bin/mocha --retries "${MOCHA_RETRIES:-3}" test-suite.js) || failed=1
done
exit "$failed"
