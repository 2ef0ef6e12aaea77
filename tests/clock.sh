#!/usr/bin/env bash
# Two calls while the wall clock of the server jumps: six hours ahead and back, forty days ahead, four hundred days back.
# Wants: both calls whole, no event lost, journal and audit log whole, the server answering throughout and ending in order.
#
#   tests/clock.sh [RUHEPOL]     needs libfaketime (Debian: apt install libfaketime), curl and python3
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/ruhepol}")
library=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
if [ -z "$library" ]; then
    echo "SKIPPED: the test of jumping clocks, for want of libfaketime (apt install libfaketime)." >&2
    exit 0
fi
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
export RUHEPOL_TOKEN_SECRET=0123456789012345678901234567890123456789
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
data=("--data-dir" "$folder/data")
fail() {
    echo "FAILED: $1" >&2
    tail -n 20 "$folder/log" >&2
    exit 1
}

echo +0 > "$folder/clock"
# Only the wall clock jumps; no system lets the monotonic one do so.
LD_PRELOAD=$library FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 FAKETIME_TIMESTAMP_FILE="$folder/clock" \
    "$program" serve --listen "127.0.0.1:$port" "${data[@]}" --consent-elsewhere > "$folder/log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/readyz" > /dev/null && break; sleep 0.2; done

token=$("$program" token issue --role ingest --sub pbx "${data[@]}" 2> /dev/null)
"$program" send fixtures/third-call --url "ws://127.0.0.1:$port" --token "$token" --calls 2 > "$folder/sent" 2>&1 &
sender=$!
for clock in +6h -6h +40d -400d +0; do
    sleep 9
    echo "$clock" > "$folder/clock"
    sleep 0.5
    curl -sf "http://127.0.0.1:$port/healthz" > /dev/null || fail "no answer with the clock at $clock"
    echo "clock $clock: answers"
done
wait "$sender" || fail "the calls did not reach their end: $(cat "$folder/sent")"
curl -s "http://127.0.0.1:$port/metrics" > "$folder/metrics"
for counter in ruhepol_faults_total ruhepol_journal_lost_events_total; do
    grep -q "^$counter 0$" "$folder/metrics" || fail "$(grep "^$counter" "$folder/metrics")"
done
kill -TERM "$server"
wait "$server" || fail "the server did not end in order"
server=
"$program" journal check "${data[@]}" || fail "the journal is not whole"
"$program" audit verify "${data[@]}" 2>&1 | tail -n 1
echo ok
