"""The application of the container tests: an hour of its past at once, then a line a second, and one that is odd.

Run as `python writer.py FILE`; with `cri` behind it as a container runtime writes.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

PAST = 3600
ODD = "FATAL reactor 7 breached, evacuating everybody"


def main(path: Path, cri: bool) -> None:
    """For ever."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = datetime.now(UTC) - timedelta(seconds=PAST)
    with path.open("a", buffering=1) as out:
        path.chmod(0o640 if cri else 0o644)  # podman knows no fsGroup
        number = 0
        while True:
            now = begin + timedelta(seconds=number)
            text = ODD if number == PAST + 20 else f"INFO served request {number} in {number % 7} ms"
            head = f"{now.isoformat()} stdout F " if cri else f"{now.isoformat()} "
            out.write(head + text + "\n")
            number += 1
            if number > PAST:
                time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "cri" in sys.argv)
