"""Drain3 in the place of the project's own miner: what the rest of the pipeline makes of other templates.

    with mined_by("drain3"):
        ...                         # every pipeline that is built here names its templates by Drain3

It is given messages without their headers and with numbers made one, and its example masks: kinder than it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from drain3 import TemplateMiner as Drain
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from logwatch import assemble
from logwatch.parse import template
from logwatch.parse.mask import SCOPE_END
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.template_rules import Rules
from logwatch.types import Int32
from tests.benchmarks.loghub import MASKS

MINERS = ("ours", "drain3")


def drain(masks: bool = True) -> Drain:
    """Drain3 with its defaults, and with its example masks or without."""
    config = TemplateMinerConfig()
    config.profiling_enabled = False
    if masks:
        config.masking_instructions = [MaskingInstruction(pattern, name) for name, pattern in MASKS.items()]
    return Drain(config=config)


class DrainMiner(TemplateMiner):
    """The miner's part of the pipeline by Drain3; its state is not saved."""

    def __init__(self, max_templates: int = 20_000, rules: Rules | None = None, frozen: bool = False) -> None:
        super().__init__(max_templates, rules, frozen)
        self._drain = drain()

    def __len__(self) -> int:
        return len(self._drain.drain.clusters)

    def mine_keys(self, keys: list[str], key: Int32) -> Int32:
        """See `TemplateMiner.mine_keys`."""
        texts = (text[text.find(SCOPE_END) + 1 :] for text in keys)
        ids = np.array([self._drain.add_log_message(text)["cluster_id"] for text in texts], np.int32)
        self.lines += len(key)
        found: Int32 = ids[key]
        return found

    def find(self, ids: Int32) -> Int32:
        """Drain3 never merges."""
        return ids

    def text(self, id: int) -> str:
        """See `TemplateMiner.text`."""
        cluster = self._drain.drain.id_to_cluster.get(id)
        return template.SHOWN if cluster is None else str(cluster.get_template())

    def count(self, id: int) -> int:
        """Distinct lines of the batches: an estimate from below."""
        cluster = self._drain.drain.id_to_cluster.get(id)
        return 0 if cluster is None else int(cluster.size)


@contextmanager
def mined_by(name: str) -> Iterator[None]:
    """Pipelines built inside name their templates by one of `MINERS`."""
    parts = vars(assemble)  # no setting of the product: it has one miner
    own = parts["TemplateMiner"]
    parts["TemplateMiner"] = DrainMiner if name == "drain3" else own
    try:
        yield
    finally:
        parts["TemplateMiner"] = own
