"""Where classes of size begin: fixed amounts of quote currency, or percentiles of the rows before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.sizes import parse_size_edges
from ..core.tape import Tape

Floats = NDArray[np.float64]

BLOCK = 10_000
"""Rows after which percentiles are taken anew."""
BLOCKS = 10
"""How many of the last blocks they are taken of."""


class SizeEdges:
    """The edges in force, and what they follow.

    A percentile is that of the notional of the last 100,000 rows, fewer at first, taken after every 10,000: a row is
    measured against rows before it alone. While the first 10,000 come there are no edges.

    Parameters
    ----------
    given : sequence of float or str
        Amounts, ascending, or percentiles such as ``p50`` and ``p99``.

    Examples
    --------
    >>> edges = SizeEdges(["p50", "p99"])
    >>> prices = np.ones(10_000)
    >>> tape = Tape.of(time=np.arange(10_000), price=prices, quantity=np.arange(10_000.0), side=prices)
    >>> [len(piece) for piece in edges.pieces(tape)], edges.values.tolist()
    ([10000], [5000.0, 9900.0])
    """

    def __init__(self, given: Sequence[float | str]) -> None:
        parsed = parse_size_edges(given)
        self.given: tuple[float | str, ...] = parsed
        """As they are written."""
        amounts = [float(edge) for edge in parsed if not isinstance(edge, str)]
        self._percents = [float(edge[1:]) for edge in parsed if isinstance(edge, str)]
        self.values: Floats = np.array(amounts or [np.inf] * len(parsed))
        """Notional where each class but the lowest begins; changed in place."""
        self.since: int | None = None
        """When percentiles were first known, epoch µs; None before that, and with amounts."""
        self._blocks: deque[Floats] = deque(maxlen=BLOCKS)
        self._block: list[Floats] = []
        self._held = 0

    @property
    def moving(self) -> bool:
        """Whether they are percentiles."""
        return bool(self._percents)

    def pieces(self, tape: Tape) -> Iterator[Tape]:
        """``tape`` in pieces within which the edges stay; they move when the next piece is asked for."""
        if not self.moving:
            yield tape
            return
        at = 0
        while at < len(tape):
            piece = tape[at : at + BLOCK - self._held]
            yield piece
            self._learn(piece)
            at += len(piece)

    def _learn(self, piece: Tape) -> None:
        notional = piece.price * piece.quantity if piece.notional is None else piece.notional
        self._block.append(np.array(notional))
        self._held += len(piece)
        if self._held == BLOCK:
            self._blocks.append(np.concatenate(self._block))
            self._block, self._held = [], 0
            recent = np.concatenate(self._blocks)
            self.values[:] = np.percentile(recent, self._percents, method="higher")
            self.since = int(piece.time[-1]) + 1 if self.since is None else self.since
