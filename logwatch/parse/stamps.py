"""What lines say about their time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from logwatch.types import Bool, Int64, UInt8


class Bears(IntEnum):
    """What a line says about its time."""

    NOTHING = 0
    DATE = 1
    NO_YEAR = 2
    NO_DATE = 3
    NUMBERS = 4  # three numbers, whose order the source's other lines tell


class Form(IntEnum):
    """Kinds of headers that are told by their time."""

    PLAIN = 0
    SYSLOG = 1
    ACCESS = 2
    KLOG = 3
    COLUMN = 4  # an epoch among other columns
    CLUSTER = 5  # label, epoch, date, node, ...: Blue Gene/L, Thunderbird


@dataclass(slots=True)
class Stamps:
    """Times of n lines."""

    bears: UInt8  # [n] of Bears
    day: Int64  # [n] days since 1970; NO_YEAR: month * 100 + day; NUMBERS: first * 10^6 + second * 10^4 + third
    ns: Int64  # [n] in the day; less the zone's offset where `zoned`
    zoned: Bool  # [n] the line names its zone
    start: Int64  # [n] first byte of the time, brackets included
    end: Int64  # [n] byte after it; 0 where there is none
    form: UInt8  # [n] of Form
    day_first: Bool  # [n] NUMBERS: the day usually comes first in this layout

    @staticmethod
    def none(n: int) -> Stamps:
        """No line bears a time."""
        zero = np.zeros(n, dtype=np.int64)
        small = np.zeros(n, dtype=np.uint8)
        no = np.zeros(n, dtype=np.bool_)
        return Stamps(small, zero, zero.copy(), no, zero.copy(), zero.copy(), small.copy(), no.copy())

    def take(self, rows: Int64) -> Stamps:
        """Some of them, copied."""
        return Stamps(*(getattr(self, name)[rows] for name in self.__slots__))

    def put(self, rows: Int64, other: Stamps, of: Int64 | Bool | slice) -> None:
        """Take over what `other` says in its rows `of`."""
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(other, name)[of]
