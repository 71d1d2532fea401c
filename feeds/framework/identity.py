"""Identity: what the names and the rows of a feed's files say they are, which has to be one thing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.errors import DataError
from ...store.names import Named, contract_in, contracts_of_one_root, market_in, named
from ..csv_reader.decode import DecodedRows

_COLUMNS = ("symbol", "exchange")


class Identity:
    """Sees to it that a feed is of one market only: one symbol, one venue, one kind, whoever says it.

    What names say is held against names and what rows say against rows: a venue may write one symbol in two ways.

    Parameters
    ----------
    owner : str
        The feed, for errors.
    chooses : bool
        Whether the feed has a parameter ``symbol`` that picks one of several.
    gives : {"bars", "tape"}
        What the feed gives.
    """

    def __init__(self, owner: str, *, chooses: bool = False, gives: str = "bars") -> None:
        self._owner, self._chooses = owner, chooses
        self._joins = "ContinuousTape" if gives == "tape" else "Continuous"
        self._seen: dict[str, dict[str, str]] = {}
        self._path = ""

    def names(self, paths: Sequence[Path], pattern: str = "") -> Named:
        """What the names of the files say, empty where they say nothing.

        Parameters
        ----------
        paths : sequence of path
            The files.
        pattern : str
            Of a provider's own names: the symbol as its first group, the kind as its second.

        Raises
        ------
        DataError
            If two names differ, naming both and their files.
        """
        for path in paths:
            said = named(path, pattern)
            for what, value in (("symbol", said.symbol), ("kind", said.kind)):
                if value:
                    self._say(f"{what} by name", value, path)
        self._contracts(paths)
        self._spelled({path: named(path, pattern).symbol for path in paths})
        symbol, kind = (next(iter(self._seen.get(f"{what} by name", {})), "") for what in ("symbol", "kind"))
        return Named(symbol, kind)

    def _spelled(self, said: Mapping[Path, str]) -> None:
        """Hold what names of anybody's own spell against each other, and against what those of venues say."""
        if all(said.values()):
            return
        for path, symbol in said.items():
            if market := re.sub(r"[^A-Z0-9]", "", symbol.upper()) or market_in(path):
                self._seen.setdefault("market by name", {}).setdefault(market, path.name)
        if len(self._seen.get("market by name", ())) > 1:
            raise self._several("market by name", next(iter(said)))

    def _contracts(self, paths: Sequence[Path]) -> None:
        """Refuse names of several contracts of one root, which would be one series with a false seam."""
        seen: dict[str, dict[str, str]] = {}
        for path in paths:
            root, contract = contract_in(path)
            if root:
                seen.setdefault(root, {}).setdefault(contract, path.name)
        for root, found in seen.items():
            if len(found) > 1:
                self._seen["contract by name"] = found
                raise self._several("contract by name", next(p for p in paths if contract_in(p)[0] == root))

    def say(self, what: str, value: str, path: Path) -> None:
        """A file says that ``what`` (``symbol``, ``exchange``, …) of its rows is ``value``.

        Raises
        ------
        DataError
            If something before said another.
        """
        self._say(what, value, path)

    def check(self, rows: DecodedRows) -> None:
        """Refuse ``rows`` of a symbol or an exchange other than that of the rows before.

        Raises
        ------
        DataError
            Naming both, their files, and where there is one the parameter that chooses.
        """
        for what in _COLUMNS:
            for value in sorted(map(str, set(rows.columns[what].tolist()))) if what in rows.columns else ():
                self._seen.setdefault(what, {}).setdefault(value, rows.path.name)
            if len(self._seen.get(what, ())) > 1:
                raise self._several(what, rows.path)

    def _say(self, what: str, value: str, path: Path) -> None:
        self._seen.setdefault(what, {}).setdefault(value, path.name)
        if len(self._seen[what]) > 1:
            raise self._several(what, path)

    def _several(self, what: str, path: Path) -> DataError:
        word = what.removesuffix(" by name").replace("market", "symbol")
        seen = sorted(self._seen[what].items())
        files = {file for _, file in seen}
        shown = ", ".join(value if len(files) == 1 else f"{value} of {file}" for value, file in seen[:8])
        more = ", …" if len(seen) > 8 else ""
        return DataError(f"{path}: holds several {word}s ({shown}{more}); {self._remedy(what, word, seen)}")

    def _remedy(self, what: str, word: str, seen: Sequence[tuple[str, str]]) -> str:
        """What to do about several things where one is wanted."""
        by_name, (name, file) = what.endswith(" by name"), seen[0]
        chooses = self._chooses and not by_name and word == "symbol"
        remedy = f"choose one: {self._owner} symbol={name}" if chooses else _ONE.format(word)
        if root := contracts_of_one_root(self._seen[what]) or contract_in(Path(file))[0]:
            block = f"[{{feed: {self._owner}, path: {file}, symbol: {name}, name: {name}}}, …]"
            if by_name:
                block = f"{{feed: {self._owner}, path: '{root}*{Path(file).suffix}'}}"
            return f"{remedy}; {self._joins} rolls from one to the next, as in contracts: {block}"
        if not chooses and word == "symbol" and len({file for _, file in seen}) > 1:
            remedy += f"; if a market was renamed, a catalog joins them: tapeflow data add … --symbol {name}"
        return remedy


_ONE = "one data block holds one {}, name the files of one"
