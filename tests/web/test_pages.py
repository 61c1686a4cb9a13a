"""The page's own files."""

from __future__ import annotations

import re
from importlib.resources import files

PAGE = files("logwatch.web") / "page"


def test_every_module_is_fetched_at_once() -> None:
    imported, waiting = set[str](), ["main.js"]
    while waiting:
        found = re.findall(r'^import .* from "/page/([a-z_]+\.js)";$', (PAGE / waiting.pop()).read_text(), re.MULTILINE)
        waiting += [name for name in found if name not in imported]
        imported.update(found)
    preloaded = re.findall(r'rel="modulepreload" href="/page/([a-z_]+\.js)"', (PAGE / "index.html").read_text())
    assert sorted(imported) == preloaded
