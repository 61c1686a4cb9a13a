#!/bin/bash
# Runs in a booted systemd, as root: the unit's whole life. Arguments: a wheel, and the site-packages that holds what
# it needs (there is no network). Prints one line a step; the first that fails ends it.
set -u
wheel=$1 site=$2 root=$(cd "$(dirname "$0")/../.." && pwd)

step() { echo "step: $*"; }
fail() { echo "FAILED: $*"; systemctl status logwatchd --no-pager -l | tail -n 30; journalctl -u logwatchd --no-pager | tail -n 40; exit 1; }
until_true() { local n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 450 ] || return 1; sleep 0.2; done; }
pid() { systemctl show -p MainPID --value logwatchd; }
learned() { logwatchd status --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["events_learned"])' 2>/dev/null || echo 0; }

/usr/bin/python3 -m venv /opt/logwatchd
echo "$site" > /opt/logwatchd/lib/python3.11/site-packages/site-of-the-test.pth
PYTHON=/usr/bin/python3 "$root/systemd/install.sh" "$wheel" --no-index --no-deps --force-reinstall >/tmp/install.out 2>&1 || { cat /tmp/install.out; fail install; }
mkdir -p /etc/systemd/system/logwatchd.service.d
printf '[Service]\nWatchdogSec=15\n' > /etc/systemd/system/logwatchd.service.d/test.conf
systemctl daemon-reload
step installed

mkdir -p /var/log/app
for n in $(seq 0 599); do printf '2026-02-03T04:%02d:%02dZ INFO took %d ms\n' $((n / 60)) $((n % 60)) "$n"; done > /var/log/app/app.log
chown root:adm /var/log/app/app.log; chmod 0640 /var/log/app/app.log
cat > /etc/logwatchd/logwatchd.toml <<'EOF'
budget = "2/day"
[[source]]
kind = "file"
paths = ["/var/log/app/*.log"]
start = "beginning"
[[sink]]
kind = "file"
path = "/var/log/logwatchd/alerts.jsonl"
EOF
logwatchd check-config -c /etc/logwatchd/logwatchd.toml >/dev/null || fail check-config

began=$(date +%s%N)
systemctl start logwatchd || fail start
echo "ready after $((($(date +%s%N) - began) / 1000000)) ms"
until_true '[ "$(learned)" -ge 600 ]' || fail "reading as group adm"
[ "$(ps -o user= -p "$(pid)")" = logwatchd ] || fail "user"
[ "$(stat -c '%a %U' /var/lib/logwatchd)" = "700 logwatchd" ] || fail "state directory"
curl -sf http://127.0.0.1:8711/readyz >/dev/null || fail "readyz"
step "started, READY, reads as group adm, state 0700"

first=$(pid)
sed -i 's/^budget.*/budget = "3\/day"/' /etc/logwatchd/logwatchd.toml
systemctl reload logwatchd || fail reload
until_true 'logwatchd status --json | grep -q "3/day"' || fail "the new budget"
[ "$(pid)" = "$first" ] || fail "reload changed the process"
step "reload takes the new configuration"
echo 'budgt = 1' > /tmp/wrong; cat /etc/logwatchd/logwatchd.toml >> /tmp/wrong
cp /etc/logwatchd/logwatchd.toml /tmp/right; cat /tmp/wrong > /etc/logwatchd/logwatchd.toml
systemctl reload logwatchd
until_true 'journalctl -u logwatchd | grep -q "the old one is kept"' || fail "a wrong configuration is told"
[ "$(pid)" = "$first" ] && systemctl is-active --quiet logwatchd || fail "a wrong configuration ended it"
cat /tmp/right > /etc/logwatchd/logwatchd.toml
step "reload of a wrong configuration keeps the old one"

kill -9 "$(pid)"
until_true '[ "$(pid)" != "$first" ] && systemctl is-active --quiet logwatchd' || fail "restart after kill -9"
until_true '[ "$(learned)" -ge 600 ]' || fail "the state after kill -9"
step "kill -9: started again, with its state"

second=$(pid)
kill -STOP "$second"
sleep 1
until_true '[ "$(pid)" != "$second" ] && [ "$(pid)" != 0 ] && systemctl is-active --quiet logwatchd' || fail "watchdog"
journalctl -u logwatchd | grep -qi watchdog || fail "it was not the watchdog"
step "a loop that hangs is ended by the watchdog, and started again"

began=$(date +%s%N)
systemctl stop logwatchd || fail stop
took=$((($(date +%s%N) - began) / 1000000))
[ "$(systemctl show -p Result --value logwatchd)" = success ] || fail "stop"
[ $took -lt 30000 ] || fail "stop took $took ms"
echo "stopped after $took ms"
cat /tmp/wrong > /etc/logwatchd/logwatchd.toml
systemctl start logwatchd && fail "started with a wrong configuration"
[ "$(systemctl show -p ExecMainStatus --value logwatchd)" = 78 ] || fail "exit status"
[ "$(systemctl show -p NRestarts --value logwatchd)" -lt 10 ] || fail "restarted for ever"
sleep 5
[ "$(systemctl is-active logwatchd)" = failed ] || fail "a wrong configuration is tried again"
cat /tmp/right > /etc/logwatchd/logwatchd.toml
step "a wrong configuration ends the start with 78, once"

systemctl reset-failed logwatchd; systemctl start logwatchd || fail "start again"
until_true '[ "$(learned)" -ge 600 ]' || fail "the state after a stop"
exposure=$(systemd-analyze security logwatchd --no-pager | sed -n 's/.*Overall exposure level for logwatchd.service: \([0-9.]*\).*/\1/p')
echo "exposure $exposure"
python3 -c "import sys; sys.exit(float('$exposure') > 2.5)" || fail "exposure $exposure"
step "exposure at most 2.5"

"$root/systemd/install.sh" --remove >/dev/null || fail remove
[ ! -e /opt/logwatchd ] && [ -e /var/lib/logwatchd/state.db ] && [ -e /etc/logwatchd/logwatchd.toml ] || fail "what remove keeps"
"$root/systemd/install.sh" --purge >/dev/null || fail purge
[ ! -e /var/lib/logwatchd ] && ! id logwatchd >/dev/null 2>&1 || fail "what purge leaves"
step "removed, purged"
echo "all steps passed"
