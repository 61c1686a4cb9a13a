"""Real containers by podman: the image of deploy/Dockerfile, and what is run from it."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests import waiting
from tests.deploy.tools import DEPLOY, ROOT, missing, run, tool

IMAGE = "localhost/logwatchd:test"
BASE = "docker.io/library/python:3.11-slim-bookworm"
PATIENCE_S = 240.0
"""How long something may take before a test gives up; nothing is asserted about the time itself."""

eventually = partial(waiting.eventually, patience=PATIENCE_S, pause=0.5)


def image() -> str:
    """The one that DEPLOY_IMAGE names, else built from this tree: some minutes, and 15 GB of disk for a while."""
    tool("podman")
    if named := os.environ.get("DEPLOY_IMAGE"):
        return named
    based = subprocess.run([Path(__file__).with_name("base_image.sh")], capture_output=True, text=True, check=False)
    if based.returncode:
        missing(f"no base image: {based.stderr[-500:]}")
    ran = subprocess.run(
        [tool("podman"), "run", "--rm", "--network=host", BASE, "true"], capture_output=True, check=False
    )
    if ran.returncode:
        pytest.skip(f"podman can run no container here: {ran.stderr.decode()[-300:]}")
    mounts = [f"--volume={path}:{path}:ro" for path in ("/etc/ssl/certs", "/etc/pip.conf") if Path(path).exists()]
    here = ["--format=docker", "--isolation=chroot", "--network=host", "--layers=false", *mounts]
    torch = "TORCH_INDEX=https://pypi.org/simple"
    file = DEPLOY / "Dockerfile"
    run("podman", "build", "-q", "-t", IMAGE, "-f", file, *here, "--build-arg", torch, ROOT, limit=3000)
    return IMAGE


def said(container: str) -> str:
    """What a container has written so far."""
    ran = subprocess.run([tool("podman"), "logs", container], capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def remove(*arguments: str) -> None:
    """Take containers or pods away, whether they are there or not."""
    subprocess.run([tool("podman"), *arguments], capture_output=True, check=False)
