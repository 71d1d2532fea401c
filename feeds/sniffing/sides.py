"""What the words of a column of sides mean, where that is beyond doubt."""

from __future__ import annotations

from typing import Any

from ..table_reader.convert import NO_SIDE
from ..table_reader.told_sides import half_known, only_ones
from .words import BUYS, SELLS, plain

_KNOWN = {"buy": 1, "b": 1, "1": 1, "+1": 1, "1.0": 1, "sell": -1, "s": -1, "-1": -1, "-1.0": -1}
_TRUTHS = {"true", "false", "0", "1", "t", "f"}
_BUY = ("buyer", "bought", "bid_aggr", "buyer_aggressor", "buyers", "bullish", "up", "comprador")
_SELL = ("seller", "sold", "ask_aggr", "seller_aggressor", "sellers", "bearish", "down", "vendedor")
_ROWS = 20_000


def side(cells: Any, role: str, names: tuple[str, ...] | None, name: str = "") -> tuple[dict[str, Any], str, str]:
    """The parameters that read a column of sides, what it is taken for, and what is open.

    ``columns`` among the parameters says that it is left out.
    """
    words = {"" if v is None else str(v).strip().lower() for v in cells.slice(0, _ROWS).to_pylist()}
    shown = ", ".join(sorted(words - {""}))[:60]
    if role == "is_buyer_maker":
        if words - {""} <= _TRUTHS:
            return {}, "true where the buyer made the market: a sell", ""
        return {"columns": {role: None}}, "not read", f"is_buyer_maker: holds {shown}, and is left out"
    if plain(name) in BUYS and words - {""} <= _TRUTHS:
        given = {"buy": sorted(words & {"true", "t", "1"}), "sell": sorted(words & {"false", "f", "0"})}
        return {"sides": given}, "true where the taker bought", ""
    if plain(name) in SELLS and words - {""} <= _TRUTHS:
        given = {"buy": sorted(words & {"false", "f", "0"}), "sell": sorted(words & {"true", "t", "1"})}
        return {"sides": given}, "true where the taker sold", ""
    if plain(name) == "askbid" and words == {"ask", "bid"}:
        return {"sides": {"buy": ["BID"], "sell": ["ASK"]}}, "Upbit's: BID bought, ASK sold", ""
    known = words - set(NO_SIDE)
    if known <= _KNOWN.keys() and not (half_known(words, _KNOWN) or only_ones(words)):
        return {}, "who took liquidity, as the word says", ""
    if {plain(n) for n in names or ()} >= {"rtype", "publisherid"} and words <= {"a", "b", "n"}:
        return {"sides": {"buy": ["B"], "sell": ["A"], "none": ["N"]}}, "Databento's: B bought, A sold", ""
    if len(known) == 2 and (buy := known & set(_BUY)) and (sell := known & set(_SELL)):
        given = {"buy": sorted(buy), "sell": sorted(sell)}
        return {"sides": given}, f"{given['buy'][0]} bought, {given['sell'][0]} sold", ""
    says = f"side: holds {shown}, and nothing tells who bought; left out until sides: {{buy: [WORD], sell: [WORD]}}"
    return {"columns": {role: None}}, "not read", says
