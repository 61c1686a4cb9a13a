"""Record real programs under load with injected faults. See README.md beside this file.

``python -m tests.data.recordings.record --minutes 40 --out DIR [--only postgresql,nginx] [--demo DIR]``
"""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.data.recordings.machine import become_child, enter, furnish
from tests.data.recordings.metrics import Sampler
from tests.data.recordings.package import keep, make_demo, sizes
from tests.data.recordings.plan import FaultPlan, write_labels
from tests.data.recordings.program import Pace, Program
from tests.data.recordings.programs.app import App
from tests.data.recordings.programs.nginx import Nginx
from tests.data.recordings.programs.postgresql import Postgresql
from tests.data.recordings.programs.redis import Redis
from tests.data.recordings.programs.sshd import Sshd

MODULE = "tests.data.recordings.record"
PROGRAMS: tuple[type[Program], ...] = (Postgresql, Nginx, Redis, Sshd, App)
WORK = Path("/srv/recording")  # appears in some log lines
log = logging.getLogger("record")


class Recording:
    """One run of all programs at the same time."""

    def __init__(self, programs: Sequence[Program], seconds: float, out: Path) -> None:
        self._programs = programs
        self._seconds = seconds
        self._out = out
        self._over = threading.Event()

    def run(self) -> None:
        """Start everything, wait, keep the logs as they are, and stop everything."""
        try:
            for program in self._programs:
                program.start()
                log.info("%s is running", program.name)
            plans = self._record()
        finally:
            for program in reversed(self._programs):
                program.stop()
        write_labels([label for plan in plans for label in plan.labels], self._out / "labels.csv")
        failed = [fault for plan in plans for fault in plan.failed]
        if failed:
            raise SystemExit(f"look at these intervals, their faults were not injected as planned: {failed}")

    def _record(self) -> list[FaultPlan]:
        begins = [sizes(program) for program in self._programs]
        sampler = Sampler(self._programs, self._out)
        sampler.start()
        plans = [self._begin(program, rank) for rank, program in enumerate(self._programs)]
        time.sleep(self._seconds)
        self._over.set()
        for program, begin in zip(self._programs, begins, strict=True):
            keep(program, begin, self._out)
        sampler.finish()
        return plans

    def _begin(self, program: Program, rank: int) -> FaultPlan:
        pace = Pace(Random(f"{program.seed}/{program.name}"), self._seconds)
        plan = FaultPlan(program.name, program.faults(), self._seconds, rank, self._over)
        program.run_clients(pace)
        threading.Thread(target=plan.run, args=(time.monotonic(),), daemon=True).start()
        return plan


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    names = ",".join(program.name for program in PROGRAMS)
    parser.add_argument("--minutes", type=float, default=40.0, help="length of the run")
    parser.add_argument("--out", type=Path, required=True, help="folder for the recordings")
    parser.add_argument("--only", default=names, help="programs, separated by commas")
    parser.add_argument("--seed", type=int, default=1, help="of the load; the programs' timing is real")
    parser.add_argument("--demo", type=Path, help="make only the demo's data from --out, here")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    """Record, or make the demo's data."""
    options = parse(argv)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    if options.demo:
        make_demo(options.out, options.demo)
        return
    enter(MODULE, argv)
    become_child()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shutil.rmtree(WORK, ignore_errors=True)
    furnish(WORK / "machine")
    chosen = [program for program in PROGRAMS if program.name in options.only.split(",")]
    for program in chosen:
        (WORK / program.name).mkdir()
    programs = [program(WORK / program.name, options.seed) for program in chosen]
    options.out.mkdir(parents=True, exist_ok=True)
    Recording(programs, options.minutes * 60, options.out).run()


if __name__ == "__main__":
    main(sys.argv[1:])
