#!/bin/bash
# Run inside the booted container: services that work, fail, hang and are mistaken. $1: folder for the journal.
units=/run/systemd/system
unit() { mkdir -p "$(dirname "$units/$1")"; printf '%b\n' "${@:2}" >"$units/$1"; }
service() { unit "$1.service" '[Unit]' "Description=Shop $1" "${@:2}"; }

service web '[Service]' 'ExecStart=/bin/sleep 1000' 'Restart=always' 'RestartSec=100ms' 'ExecStartPre=/bin/true' 'ExecReload=/bin/kill -HUP $MAINPID'
service crash '[Service]' 'ExecStart=/bin/sh -c "exit 3"' 'Restart=on-failure' 'RestartSec=50ms'
service segv '[Service]' 'ExecStart=/bin/sh -c "kill -SEGV $$"'
service notfound '[Service]' 'ExecStart=/opt/shop/bin/nowhere'
service relative '[Service]' 'ExecStart=bin/nowhere'
service nouser '[Service]' 'User=nobody-here' 'ExecStart=/bin/true'
service nogroup '[Service]' 'Group=none-here' 'ExecStart=/bin/true'
service nodir '[Service]' 'WorkingDirectory=/nowhere' 'ExecStart=/bin/true'
service noenv '[Service]' 'EnvironmentFile=/etc/nowhere.env' 'ExecStart=/bin/true'
service optenv '[Service]' 'EnvironmentFile=-/etc/nowhere.env' 'Type=oneshot' 'RemainAfterExit=yes' 'ExecStart=/bin/true'
service slow '[Service]' 'Type=notify' 'TimeoutStartSec=700ms' 'ExecStart=/bin/sleep 100'
service stubborn '[Service]' 'TimeoutStopSec=600ms' 'ExecStart=/bin/sh -c "trap : TERM; while :; do sleep 1; done"'
service dog '[Service]' 'WatchdogSec=400ms' 'Type=notify' 'NotifyAccess=all' 'ExecStart=/bin/sh -c "systemd-notify --ready --status=Serving; sleep 30"'
service fork '[Service]' 'Type=forking' 'PIDFile=/run/nowhere.pid' 'TimeoutStartSec=1' 'ExecStart=/bin/sh -c "sleep 5 &"'
service dbusless '[Service]' 'Type=dbus' 'BusName=org.shop.Nothing' 'TimeoutStartSec=500ms' 'ExecStart=/bin/sleep 9'
service boxed '[Service]' 'Type=oneshot' 'PrivateTmp=yes' 'ProtectSystem=strict' 'ProtectHome=yes' 'PrivateDevices=yes' 'NoNewPrivileges=yes' \
  'RuntimeDirectory=boxed' 'StateDirectory=boxed' 'SystemCallFilter=@system-service' 'ReadOnlyPaths=/nowhere' 'ExecStart=/bin/ls /'
service dynamic '[Service]' 'DynamicUser=yes' 'Type=oneshot' 'StateDirectory=dynamic' 'ExecStart=/usr/bin/id'
service cred '[Service]' 'Type=oneshot' 'LoadCredential=key:/nowhere' 'ExecStart=/bin/true'
service deps 'Requires=crash.service nothere.service' 'After=crash.service' '[Service]' 'ExecStart=/bin/true'
service wants 'Wants=notfound.service web.service' '[Service]' 'ExecStart=/bin/sleep 5'
service cond 'ConditionPathExists=/nowhere' '[Service]' 'ExecStart=/bin/true'
service assert 'AssertPathIsDirectory=/etc/passwd' '[Service]' 'ExecStart=/bin/true'
service loop1 'After=loop2.service' 'Requires=loop2.service' '[Service]' 'ExecStart=/bin/true'
service loop2 'After=loop1.service' 'Requires=loop1.service' '[Service]' 'ExecStart=/bin/true'
service conflict 'Conflicts=web.service' '[Service]' 'ExecStart=/bin/sleep 1'
service limits '[Service]' 'LimitNOFILE=5' 'Nice=5' 'OOMScoreAdjust=200' 'CPUWeight=20' 'MemoryMax=20M' 'TasksMax=3' 'ExecStart=/bin/sh -c "for i in 1 2 3 4 5; do sleep 2 & done; wait"'
service post '[Service]' 'Type=oneshot' 'ExecStart=/bin/true' 'ExecStartPost=/bin/false' 'ExecStopPost=/bin/sh -c "exit 7"'
service runtime '[Service]' 'RuntimeMaxSec=500ms' 'ExecStart=/bin/sleep 20'
service onfail 'OnFailure=web.service' 'StartLimitBurst=1' '[Service]' 'Type=oneshot' 'ExecStart=/bin/false'
service many@ '[Service]' 'Type=oneshot' 'ExecStart=/bin/echo instance %i of %n on %H'
service wrong '[Service]' 'Type=magic' 'ExecStart=/bin/true' 'Restart=sometimes' 'TimeoutSec=5 fortnights' 'LimitNOFILE=lots' 'KillSignal=SIGNOTHING' \
  'Environment="a' 'Nice=900' 'UMask=9999' 'MemoryMax=huge' 'CPUQuota=lots' 'Nothing=1' 'User=with space' 'StandardOutput=file:rel' 'SystemCallFilter=nope' 'OOMPolicy=x' 'IPAddressAllow=300.1.1.1' 'DeviceAllow=x' '[Nothing]' 'a=b' 'no assignment'
service empty '[Service]'
service twice '[Service]' 'ExecStart=/bin/true' 'ExecStart=/bin/false'
unit shop.timer '[Timer]' 'OnActiveSec=1s' 'OnUnitActiveSec=1500ms' 'AccuracySec=10ms' 'Unit=optenv.service'
unit broken.timer '[Timer]' 'OnCalendar=someday' 'Unit=web.service'
unit gate.socket '[Socket]' 'ListenStream=127.0.0.1:9321' 'Accept=yes' 'MaxConnections=2'
service gate@ '[Service]' 'ExecStart=/bin/cat' 'StandardInput=socket'
unit clash.socket '[Socket]' 'ListenStream=127.0.0.1:9321'
service clash '[Service]' 'ExecStart=/bin/true'
unit watch.path '[Path]' 'PathChanged=/run/watched' 'Unit=boxed.service'
unit run-disk.mount '[Mount]' 'What=tmpfs' 'Where=/run/disk' 'Type=tmpfs' 'Options=size=1m'
unit run-gone.mount '[Mount]' 'What=/dev/nowhere' 'Where=/run/gone' 'Type=ext4'
unit run-wrong.mount '[Mount]' 'What=tmpfs' 'Where=/run/elsewhere' 'Type=tmpfs'
unit shop.slice '[Slice]' 'MemoryHigh=30M'
unit shop.target '[Unit]' 'Wants=web.service optenv.service' 'After=web.service'
unit nofile.swap '[Swap]' 'What=/nowhere.swap'

start=(web crash segv notfound relative nouser nogroup nodir noenv optenv slow stubborn dog fork dbusless boxed dynamic cred deps wants
  cond assert loop1 conflict limits post runtime onfail many@1 many@2 many@blue wrong empty twice shop.target shop.timer broken.timer
  gate.socket clash.socket watch.path run-disk.mount run-gone.mount run-wrong.mount shop.slice nofile.swap nothere)

round() {
  systemctl daemon-reload
  for name in "${start[@]}"; do systemctl start --no-block "$name" 2>&1; done
  sleep 3
  for n in 1 2 3; do (exec 3<>/dev/tcp/127.0.0.1/9321; echo hi >&3; sleep 0.3) & done
  touch /run/watched; systemctl reload web; systemctl kill -s KILL web; systemctl restart stubborn --no-block
  systemd-run --unit "batch$1" --slice shop.slice -p MemoryMax=40M /bin/sh -c 'echo working; sleep 0.5'
  systemd-run --scope -p CPUWeight=10 /bin/true; systemd-run --on-active=1 /bin/true; systemd-run --wait /bin/false
  systemctl set-property --runtime web CPUWeight=$((50 + $1)) MemoryMax=64M; systemctl freeze web; systemctl thaw web
  systemctl mask --runtime cond; systemctl start cond; systemctl unmask --runtime cond; systemctl isolate nothere.target
  systemctl enable --runtime web; systemctl disable --runtime web; systemctl set-environment SHOP=$1; systemctl unset-environment SHOP
  systemctl reset-failed; systemctl start crash; systemctl start crash; systemctl cancel; systemctl list-dependencies shop.target
  hostnamectl set-hostname "bastion1"; timedatectl set-timezone Nowhere/City; timedatectl set-timezone UTC; loginctl list-sessions
  loginctl enable-linger root; localectl set-locale LANG=xx_YY; systemd-tmpfiles --create --prefix=/run/shop; journalctl --rotate; journalctl --vacuum-files=9
  busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartUnit ss nothere.service replace
  busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Nothing
  systemctl stop "${start[@]}" --no-block; sleep 2
}

for level in info debug info debug; do
  systemctl log-level "$level"
  for manager in logind hostnamed timedated localed journald; do systemctl service-log-level "systemd-$manager" "$level"; done
  n=$((n + 1)); round "$n"; round "$n$n"
  [ "$level" = debug ] && systemctl daemon-reexec
done >/dev/null 2>&1
journalctl --sync
journalctl -o json --no-pager >"$1/journal.json"
systemctl --version | head -1 >"$1/version"
