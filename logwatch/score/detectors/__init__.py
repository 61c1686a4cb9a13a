"""The cheap detectors that always run beside the networks.

Each is built as `Detector(config, keys, has_entities)` and keeps the columns `FIELDS` in the key table. Beyond the
Protocol, each has `merged(pairs)`: template merges (loser, winner), in the order in which they happened, given at a
chunk's end before `learn`; counts move from the losers to the winners. A detector with `usual_only` learns sequences:
events that are `too_rare` by the nats of `rare` should be marked `Flag.ALERTED` in the chunk that it learns.
One with `counts_alerted` sees as alerted only what a person called real.
"""

from logwatch.score.detectors.gap import Gap
from logwatch.score.detectors.markov import Markov
from logwatch.score.detectors.novelty import Novelty
from logwatch.score.detectors.rare import Rare, too_rare
from logwatch.score.detectors.values import ValuesOdd

SIMPLE = (Novelty, Rare, Markov, Gap)
"""Those of templates and times, in the order in which they score; `ValuesOdd` reads fields."""

__all__ = ["SIMPLE", "Gap", "Markov", "Novelty", "Rare", "ValuesOdd", "too_rare"]
