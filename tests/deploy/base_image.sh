#!/usr/bin/env bash
# Makes sure that podman has the base image of deploy/Dockerfile: pulled, else (as root, on Debian) made by debootstrap.
set -euo pipefail
base=docker.io/library/python:3.11-slim-bookworm
podman image exists "$base" || podman pull -q "$base" 2>/dev/null && exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates bookworm "$work/root" >"$work/log"
ln -s python3 "$work/root/usr/bin/python"
tar -C "$work/root" -c . | podman import - "$base" >/dev/null
