"""Prints what a plain install of logwatchd runs with, one `name==version` a line: from the environment it is run in.

For `make sbom` and `make audit`: what only tests and linters need is left out.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pinned(root: str = "logwatchd") -> dict[str, str]:
    """Name -> version of everything that `root` needs, itself left out; what is not installed is not needed here."""
    found: dict[str, str] = {}
    waiting = [Requirement(root)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        needed = waiting.pop()
        try:
            package = distribution(needed.name)
        except PackageNotFoundError:
            continue
        found[canonicalize_name(needed.name)] = package.version
        for extra in ("", *needed.extras):
            if (package.name, extra) in seen:
                continue
            seen.add((package.name, extra))
            wanted = [Requirement(text) for text in package.requires or ()]
            waiting += [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})]
    del found[canonicalize_name(root)]
    return found


if __name__ == "__main__":
    for name, version in sorted(pinned().items()):
        sys.stdout.write(f"{name}=={version}\n")
