"""Trades of venues in the shapes that their interfaces answer in."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.core.plugins.registry import FEEDS

Trade = tuple[int, float, float, int]
BITSTAMP = [
    {"date": "1637845200", "tid": "209895703", "price": "4451.5", "type": "0", "amount": "0.5"},
    {"date": "1637845199", "tid": "209895701", "price": "4451.25", "type": "1", "amount": "0.005"},
]
BITFINEX = [[401597395, 1574694478808, -0.25, 7245.3], [401597393, 1574694475039, 0.005, 7244.9]]
GATE = [
    {"id": "309143072", "create_time": "1606292219", "create_time_ms": "1606292219000.5", "side": "buy"},
    {"id": "309143071", "create_time": "1606292218", "create_time_ms": "1606292218213.4578", "side": "sell"},
]
for _row in GATE:
    _row.update(currency_pair="GT_USDT", amount="16.47", price="0.4705", order_id="", role="", fee="")
KUCOIN = {
    "code": "200000",
    "data": [
        {"sequence": "1545896668571", "price": "0.07", "size": "0.004", "side": "buy", "time": 1545904567062140823},
        {"sequence": "1545896668578", "price": "0.054", "size": "0.066", "side": "sell", "time": 1545904581619888405},
    ],
}
DERIBIT = {
    "jsonrpc": "2.0",
    "result": {
        "trades": [
            {"trade_seq": 30289443, "trade_id": "48079269", "timestamp": 1590484512188, "tick_direction": 2},
            {"trade_seq": 30289442, "trade_id": "48079254", "timestamp": 1590484156350, "tick_direction": 0},
        ],
        "has_more": True,
    },
}
for _row, _side in zip(DERIBIT["result"]["trades"], ("sell", "buy"), strict=True):  # type: ignore[index]
    _row |= {"price": 8000, "direction": _side, "amount": 40, "instrument_name": "BTC-PERPETUAL", "index_price": 8010.5}
HYPERLIQUID = [
    {
        "coin": "BTC",
        "side": "A",
        "px": "104320.0",
        "sz": "0.01500",
        "hash": "0x3",
        "time": 1769916002000,
        "tid": 300003,
    },
    {
        "coin": "BTC",
        "side": "B",
        "px": "104310.5",
        "sz": "0.02000",
        "hash": "0x2",
        "time": 1769916001000,
        "tid": 300002,
    },
]
ANSWERS: dict[str, tuple[Any, list[Trade]]] = {
    "BitstampTrades": (BITSTAMP, [(1637845199000000, 4451.25, 0.005, -1), (1637845200000000, 4451.5, 0.5, 1)]),
    "BitfinexTrades": (BITFINEX, [(1574694475039000, 7244.9, 0.005, 1), (1574694478808000, 7245.3, 0.25, -1)]),
    "GateTrades": (GATE, [(1606292218213457, 0.4705, 16.47, -1), (1606292219000500, 0.4705, 16.47, 1)]),
    "KucoinTrades": (KUCOIN, [(1545904567062140, 0.07, 0.004, 1), (1545904581619888, 0.054, 0.066, -1)]),
    "DeribitTrades": (DERIBIT, [(1590484156350000, 8000, 0.005, 1), (1590484512188000, 8000, 0.005, -1)]),
    "HyperliquidTrades": (HYPERLIQUID, [(1769916001000000, 104310.5, 0.02, 1), (1769916002000000, 104320, 0.015, -1)]),
}
"""An answer of each venue, newest first where the venue sorts so; time in µs, price, base amount, side of each."""
LISTS: dict[str, list[Any]] = {
    **{name: ANSWERS[name][0] for name in ("BitstampTrades", "BitfinexTrades", "GateTrades", "HyperliquidTrades")},
    "KucoinTrades": KUCOIN["data"],  # type: ignore[dict-item]
    "DeribitTrades": DERIBIT["result"]["trades"],  # type: ignore[index]
}


def _trades(feed: str, path: Path, **params: Any) -> list[Trade]:
    made = []
    for tape in FEEDS.find(feed)(path, **params).tapes():
        made += list(
            zip(tape.time.tolist(), tape.price.tolist(), tape.quantity.tolist(), tape.side.tolist(), strict=True)
        )
    return made


@pytest.mark.parametrize("feed", ANSWERS)
def test_an_answer_is_trades_in_order_with_the_side_of_the_taker(tmp_path: Path, feed: str) -> None:
    answer, expected = ANSWERS[feed]
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    assert _trades(feed, path) == expected


@pytest.mark.parametrize("feed", ANSWERS)
def test_a_table_with_its_keys_as_the_header_is_the_same(tmp_path: Path, feed: str) -> None:
    rows = LISTS[feed]
    path = tmp_path / "answer.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(rows[0] if isinstance(rows[0], dict) else ["ID", "MTS", "AMOUNT", "PRICE"])
        out.writerows(sorted((list(r.values()) if isinstance(r, dict) else r for r in rows), key=lambda r: str(r)))
    assert sorted(_trades(feed, path)) == ANSWERS[feed][1]


def test_recorded_messages_hold_several_trades_a_line(tmp_path: Path) -> None:
    path = tmp_path / "trades.jsonl"
    first, then = HYPERLIQUID[::-1], [{**HYPERLIQUID[0], "tid": 300009}]
    path.write_text("\n".join(json.dumps({"channel": "trades", "data": rows}) for rows in (first, then)))
    expected = ANSWERS["HyperliquidTrades"][1]
    assert _trades("HyperliquidTrades", path) == [*expected, expected[1]]


@pytest.mark.parametrize("feed", ANSWERS)
def test_overlapping_answers_count_a_trade_once(tmp_path: Path, feed: str) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(ANSWERS[feed][0]))
    assert _trades(feed, tmp_path / "*.json") == ANSWERS[feed][1]


@pytest.mark.parametrize("feed", ANSWERS)
def test_a_price_that_is_none_is_refused_with_its_row(tmp_path: Path, feed: str) -> None:
    path = tmp_path / "answer.json"
    text = json.dumps(ANSWERS[feed][0])
    for price in ('"4451.25"', "7244.9", '"0.4705"', '"0.07"', "8000", '"104310.5"'):
        text = text.replace(price, '"cheap"', 1)
    path.write_text(text)
    with pytest.raises(DataError, match=r"row \d+, column (price|px).*'cheap' is no number"):
        _trades(feed, path)


def test_deribit_counts_dollars_on_coin_margined_contracts_and_coins_on_linear_ones(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(DERIBIT).replace("BTC-PERPETUAL", "BTC_USDC-PERPETUAL"))
    assert [quantity for _, _, quantity, _ in _trades("DeribitTrades", path)] == [40, 40]


def test_a_hole_in_the_sequence_of_deribit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(DERIBIT).replace("30289443", "30289445"))
    bars = FEEDS.find("DeribitTrades")(path).bars("1h")
    assert (bars["quality"] & 16).any()


@pytest.mark.parametrize(
    ("feed", "answer"),
    [
        ("BitfinexTrades", [[133323072, 1574694245478, -258.7458086, 0.0002587, 2]]),
        (
            "GateTrades",
            [{"id": 1, "create_time_ms": 1514764800.123, "size": -100, "price": "1"}],
        ),
        ("HyperliquidTrades", [{**HYPERLIQUID[0], "side": "C"}, {**HYPERLIQUID[1], "side": "D"}]),
    ],
)
def test_what_is_of_another_kind_is_refused(tmp_path: Path, feed: str, answer: Any) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    with pytest.raises(TapeflowError, match=r"answer\.json"):
        _trades(feed, path)


@pytest.mark.parametrize(
    ("feed", "answer"),
    [
        (
            "GateTrades",
            [{"id": 1, "create_time": 1704187800, "contract": "BTC_USDT", "size": -100, "price": "42000.5"}],
        ),
        (
            "KucoinTrades",
            {
                "data": [
                    {"sequence": 1, "contractId": 1, "ts": 1729243032152000000, "size": 7, "price": "6", "side": "buy"}
                ]
            },
        ),
    ],
)
def test_futures_whose_sizes_are_contracts_are_refused_by_name(tmp_path, feed, answer):
    (tmp_path / "a.json").write_text(json.dumps(answer))
    with pytest.raises(DataError, match=f"it holds futures, whose .*sizes count contracts; {feed} reads the spot"):
        list(FEEDS.find(feed)(tmp_path / "a.json").tapes())
