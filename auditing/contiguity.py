"""Whether the ids of a tape follow each other without a hole, where its feed does not know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .chunk import Chunk

FOLLOW = ("auto", "contiguous", "scattered")
_SHARE = 0.5


class Contiguity:
    """Gives rows the id that the next one has to have, where ids are contiguous.

    Parameters
    ----------
    follow : {"auto", "contiguous", "scattered"}
        What is known of ids that their feed does not follow; ``auto`` takes them for contiguous where at least half
        of the steps from one id to the next higher one, in the first rows, are 1.
    """

    def __init__(self, follow: str) -> None:
        self._follow = follow
        self._ones = float("nan")
        self.unchecked = ""
        """Why holes could not be told; empty where they could."""

    def followed(self, chunk: Chunk) -> Chunk:
        """The same rows; those that have an id but no place in a sequence get one, where ids are contiguous."""
        loose = (chunk.ids >= 0) & (chunk.first < 0)
        if not loose.any():
            return chunk
        if self._follow == "auto":
            self._judge(chunk)
        if self._follow != "contiguous":
            self.unchecked = self._why()
            return chunk
        first = np.where(loose, chunk.ids, chunk.first)
        return replace(chunk, first=first, after=np.where(loose, chunk.ids + chunk.trades, chunk.after))

    def _judge(self, chunk: Chunk) -> None:
        steps = np.diff(np.unique(chunk.ids[chunk.ids >= 0]))
        if len(steps):
            self._ones = float(np.mean(steps == 1))
            self._follow = "contiguous" if self._ones >= _SHARE else "scattered"

    def _why(self) -> str:
        if self._ones == self._ones:
            told = f"only {self._ones:.0%} of the steps from id to id are 1"
        else:
            told = "too few ids to tell whether they follow each other" if self._follow == "auto" else "as asked"
        return f"holes of ids: {told}; --ids contiguous looks for them all the same"
