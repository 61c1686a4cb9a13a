"""Writes the table of programs and the list of dropped wrappers into README.md, from the facts of the recordings.

``python -m tests.data.recordings.templates.table``
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLACE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)


def table(all_facts: list[dict[str, Any]]) -> Iterator[str]:
    """One row for each program, designed on first, then the wrappers."""
    yield "| name | program | language | half | lines | judged | labels | how |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for told in all_facts:
        half = told["half"].replace("_", " ")
        yield (
            f"| `{told['name']}` | {told['program']} {told['version']} | {told['language']} | {half} "
            f"| {told['lines']:,} | {told['labelled']:,} | {told['labels']} | {told['how']} |"
        )
    yield "\nDropped wrappers:\n"
    for told in all_facts:
        for place, reason in told["wrappers"].items():
            yield f"- `{told['name']}`, `{place}`: {reason}"


def main() -> None:
    """Rewrite the part of the page between the marks."""
    facts = [json.loads(path.read_text()) for path in HERE.glob("*.json")]
    facts.sort(key=lambda told: (told["half"], told["name"]))
    page = HERE / "README.md"
    text = "".join(f"{row}\n" for row in table(facts))
    page.write_text(PLACE.sub(lambda _: text, page.read_text()))


if __name__ == "__main__":
    main()
