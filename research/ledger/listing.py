"""What a ledger holds, by the data that was used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core.errors import DataError, unknown
from .chain import Chain, Link
from .home import NAME


@dataclass
class OnData:
    """What was done with one data.

    Parameters
    ----------
    data : str
        Its digest.
    inputs : list of dict
        The files, or what made them.
    links : list of Link
        Every entry, in order.
    """

    data: str
    inputs: list[dict[str, Any]]
    links: list[Link] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its first file, and how many more there are."""
        first, more = self.inputs[0]["path"], len(self.inputs) - 1
        return f"{first} and {more:,} more" if more else str(first)

    @property
    def trials(self) -> int:
        """Distinct configs with their plugins."""
        return len({link.entry["trial"] for link in self.links if "trial" in link.entry})

    @property
    def kinds(self) -> dict[str, int]:
        """How many entries there are of each kind."""
        return dict(Counter(link.entry["kind"] for link in self.links))

    @property
    def first(self) -> str:
        """When the first entry was made, in UTC."""
        return str(self.links[0].entry["time"]) if self.links else ""

    @property
    def last(self) -> str:
        """When the last was."""
        return str(self.links[-1].entry["time"]) if self.links else ""


def holdings(folder: Path) -> list[OnData]:
    """What was done with each data, in the order of their first use.

    Parameters
    ----------
    folder : Path
        The ``.tapeflow`` of the ledger.

    Raises
    ------
    DataError
        If there is no ledger, or a line of it was changed.
    """
    made: dict[str, OnData] = {}
    chain = Chain(folder / NAME, lambda link: _take(made, link))
    chain.refresh()
    if not made:
        raise DataError(f"{folder / NAME}: no such ledger; the first run makes it")
    return [*made.values()]


def _take(made: dict[str, OnData], link: Link) -> None:
    entry = link.entry
    if entry["kind"] == "data":
        made.setdefault(entry["data"], OnData(entry["data"], entry["inputs"]))
    elif "data" in entry:
        made[entry["data"]].links.append(link)


def entries_of(folder: Path, what: str) -> list[Link]:
    """The entry of a number, those of a trial, or those on data whose digest begins so.

    Raises
    ------
    DataError
        If there is none.
    """
    every = holdings(folder)
    links = [link for one in every for link in one.links]
    found = [link for link in links if what == str(link.number)]
    found = found or [link for link in links if str(link.entry.get("trial", "")).startswith(what)]
    found = found or [link for one in every if one.data.startswith(what) for link in one.links]
    if not found:
        known = [one.data[:12] for one in every]
        raise DataError(f"{folder / NAME}: {unknown('number, trial or data', what, known)}")
    return found
