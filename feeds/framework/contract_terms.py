"""Whether a tape's quantities count contracts: as the user says, as symbols say by their venue's rules, else not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import ParamError
from ...store.names import named
from ..csv_reader.decode import DecodedRows
from .contract_rules import Terms, contract_in, terms_of


class ContractTerms:
    """The contracts of a feed and their size; ``contracts`` and ``contract_size`` are settled in its parameters.

    Parameters
    ----------
    owner : str
        The feed, for errors.
    params : dict
        Its parameters, changed in place.
    published : mapping of str to Terms, optional
        What the venue's own list of instruments says of symbols; wins over rules.
    """

    def __init__(self, owner: str, params: dict[str, Any], published: Mapping[str, Terms] | None = None) -> None:
        self._owner, self._params, self._published = owner, params, published or {}
        self.given = str(params["contracts"])
        """What the user says; ``auto`` where that is nothing."""
        self._known: tuple[str, str] | None = None
        self._by_name = ""
        self.remark = ""
        """What was taken or passed over, in words; empty where there is nothing to say."""

    def names(self, venue: str, paths: Sequence[Path]) -> None:
        """Take in the symbol that the names of the files say."""
        self._by_name = next((s for path in paths if (s := named(path).symbol or contract_in(path.name))), "")
        if self._by_name and paths:
            self._take(venue, self._by_name, paths[0])

    def rows(self, venue: str, rows: DecodedRows) -> None:
        """Take in the exchange and the symbol of rows.

        Raises
        ------
        ParamError
            If they count contracts and nobody says of what size, or the user says another kind than the venue's rule.
        """
        if not len(rows):
            return
        exchange, symbol = (str(rows[n][0]) if n in rows.columns else "" for n in ("exchange", "symbol"))
        self._take(exchange or venue, symbol or self._by_name, rows.path)
        if exchange and self._params["contracts"] == "auto":
            raise ParamError(
                f"{rows.path}: {self._owner}: nothing is known of what amounts count at exchange {exchange}; say "
                "contracts: none where they are base currency, else linear or inverse with contract_size"
            )
        if self._params["contracts"] == "auto":
            self._params["contracts"] = "none"

    def _take(self, venue: str, symbol: str, path: Path) -> None:
        if self._known == (venue, symbol):
            return
        self._known = (venue, symbol)
        terms = self._published.get(symbol) or terms_of(venue, symbol)
        if terms is None:
            return
        if self.given == "auto":
            self._believe(terms, symbol, path)
        elif terms.contracts != "none":
            self._compare(terms, symbol, path)

    def _believe(self, terms: Terms, symbol: str, path: Path) -> None:
        """Take what the rule says."""
        if terms.contracts == "none":
            self._params["contracts"] = "none"
            return
        if not terms.contracts or terms.size is None:
            kind = terms.contracts or "linear or inverse"
            size = f" ({terms.rule})" if terms.rule else ""
            raise ParamError(
                f"{path}: {self._owner}: {symbol} counts contracts; say contracts: {kind} and contract_size, what one "
                f"is worth{size}, or contracts: none where quantities are base currency already"
            )
        self._params |= {"contracts": terms.contracts, "contract_size": terms.size}
        self.remark = f"contracts: {terms.contracts}, contract_size: {terms.size:g}, by the rule for {symbol}"
        self.remark += f" ({terms.rule})"

    def _compare(self, terms: Terms, symbol: str, path: Path) -> None:
        """Hold what the user says against the rule."""
        kind, size = self.given, self._params["contract_size"]
        if kind == "none":
            self.remark = f"contracts: none is taken as given; the venue's own files of {symbol} count contracts"
        elif terms.contracts and kind != terms.contracts:
            raise ParamError(
                f"{path}: {self._owner}: contracts is {kind}, but {symbol} is {terms.contracts}; say contracts: "
                f"{terms.contracts}, or none where quantities are base currency already"
            )
        elif terms.size is not None and size != terms.size:
            self.remark = f"contract_size: {size:g} is taken as given; by the rule {symbol} has {terms.size:g}"
