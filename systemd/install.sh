#!/bin/sh
# Installs logwatchd as a systemd service, or brings an installed one up to date. Run as root.
#
#   systemd/install.sh [WHEEL] [PIP OPTION…]   into /opt/logwatchd; without a wheel, from this directory's own source
#   systemd/install.sh --remove                takes program, unit and user away; keeps /etc/logwatchd and the state
#   systemd/install.sh --purge                 takes those away, too
#
# PYTHON=/usr/bin/python3.12 chooses the interpreter. It must not live under a home directory: the unit cannot see those.
# To save 5 GB, install the CPU build of PyTorch first: see README.md, Quick start.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
prefix=/opt/logwatchd
etc=/etc/logwatchd

say() { printf 'logwatchd: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "run this as root: sudo $0 $*"
command -v systemctl >/dev/null || die "this machine has no systemd"

remove() {
  systemctl disable --now logwatchd.service 2>/dev/null || true
  rm -f /etc/systemd/system/logwatchd.service /usr/lib/sysusers.d/logwatchd.conf /usr/lib/tmpfiles.d/logwatchd.conf
  rm -f /usr/local/bin/logwatchd
  rm -rf "$prefix"
  systemctl daemon-reload
  if [ "$1" = purge ]; then
    rm -rf "$etc" /var/lib/logwatchd /var/log/logwatchd
    userdel logwatchd 2>/dev/null || true
    say "removed, with everything it had learned"
  else
    say "removed; $etc and /var/lib/logwatchd are kept (--purge takes them away)"
  fi
}

case ${1:-} in
  --remove) remove keep; exit 0 ;;
  --purge) remove purge; exit 0 ;;
  -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

what=$here/..
case ${1:-} in
  *.whl) what=$1; shift ;;
esac

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "$python is older than 3.11: PYTHON=… names another"
case $("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))') in
  /home/* | /root/* | /run/user/*) die "$python lives in a home directory, which the unit cannot see: PYTHON=… names another" ;;
esac

[ -x "$prefix/bin/python" ] || "$python" -m venv "$prefix"
"$prefix/bin/python" -m pip install --disable-pip-version-check --upgrade "$@" "$what"
ln -sf "$prefix/bin/logwatchd" /usr/local/bin/logwatchd

install -D -m 0644 "$here/logwatchd.sysusers" /usr/lib/sysusers.d/logwatchd.conf
install -D -m 0644 "$here/logwatchd.tmpfiles" /usr/lib/tmpfiles.d/logwatchd.conf
install -D -m 0644 "$here/logwatchd.service" /etc/systemd/system/logwatchd.service
[ -e "$etc/logwatchd.toml" ] || install -D -m 0640 "$here/logwatchd.toml" "$etc/logwatchd.toml"
systemd-sysusers logwatchd.conf
systemd-tmpfiles --create logwatchd.conf
systemctl daemon-reload

if systemctl is-active --quiet logwatchd.service; then
  systemctl restart logwatchd.service
  say "brought up to date and started again: systemctl status logwatchd"
else
  say "installed. Look at $etc/logwatchd.toml, then:"
  say "  logwatchd check-config && systemctl enable --now logwatchd"
fi
