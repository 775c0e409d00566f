#!/bin/bash
# Record acc-recorded.log anew: Kamailio between two SIPp, all on 127.0.0.1, under four minutes.
# Needs, on Debian 12: apt-get install --no-install-recommends kamailio sip-tester iproute2
# Ports 5070 (Kamailio), 5072 and 5074 (SIPp) must be free. No root needed. It stops, by process
# id, only what it started, and writes acc-recorded.log only if the whole run went well.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kamailio=$(PATH=$PATH:/usr/sbin command -v kamailio) || { echo "kamailio is not installed" >&2; exit 69; }
sipp=$(command -v sipp) || { echo "sipp is not installed (package sip-tester)" >&2; exit 69; }
run=$(mktemp -d)
started=()

stop() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$run"
}
trap stop EXIT
trap 'exit 130' INT TERM

cd "$run"
timeout 240 "$kamailio" -f "$here/kamailio.cfg" -DD -E -w "$run" -Y "$run" >kamailio.out 2>acc.log &
started+=($!)
timeout 240 "$sipp" 127.0.0.1:5070 -sf "$here/uas.xml" -i 127.0.0.1 -p 5072 -nostdin >uas.out 2>&1 &
started+=($!)

# Ready when both listen.
for _ in $(seq 50); do
    if ss -Hlun 'sport = :5070' | grep -q . && ss -Hlun 'sport = :5072' | grep -q .; then break; fi
    sleep 0.1
done

calls=$(($(wc -l <"$here/numbers.csv") - 1))
if ! timeout 200 "$sipp" 127.0.0.1:5070 -sf "$here/uac.xml" -inf "$here/numbers.csv" -i 127.0.0.1 -p 5074 \
    -m "$calls" -r 5 -l 300 -nostdin -timeout 190s >uac.out 2>&1; then
    echo "the calls failed; what Kamailio, the called and the calling side said (are the ports free?):" >&2
    head -5 acc.log >&2
    tail -5 uas.out >&2
    tail -20 uac.out >&2
    exit 70
fi
for _ in $(seq 50); do
    if [ "$(grep -c ' acc \[' acc.log)" -ge "$calls" ]; then break; fi
    sleep 0.1
done
lines=$(wc -l <acc.log)
if [ "$lines" -ne "$calls" ]; then
    echo "$calls calls, but $lines lines of accounting: acc-recorded.log is left alone" >&2
    grep -v ' acc \[' acc.log | head >&2 || true
    exit 70
fi
cp acc.log "$here/acc-recorded.log"
echo "recorded $lines calls"
