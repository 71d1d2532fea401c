"""A data block with symbols: a feed of each, what one has otherwise, and an exchange's own list of steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.configs.models import RunConfig
from tapeflow.core.errors import TapeflowError

RULES = {"kind": "Rules", "params": {"long": {"enter": "close > open and BTCUSDT.close > 0"}}}
BLOCK = {"feed": "CsvBars", "path": "{symbol}-1m-*.csv", "symbols": ["BTCUSDT", "ETHUSDT"], "bars": "1m"}


def made(folder: Path, block: dict[str, Any], **more: Any) -> RunConfig:
    given = {"name": "t", "data": {"perps": {**BLOCK, **block}}, "strategy": RULES, "trade": "perps"}
    return from_mapping(given | more, folder=folder)


def test_each_symbol_becomes_a_feed_in_the_order_given(tmp_path: Path) -> None:
    config = made(tmp_path, {"instrument": {"margin": "linear", "funding": {"path": "{symbol}-fundingRate-*.zip"}}})
    assert config.desks == ("BTCUSDT", "ETHUSDT")
    assert config.data["ETHUSDT"].path == ["ETHUSDT-1m-*.csv"]
    funding = config.data["ETHUSDT"].instrument.funding
    assert funding is not None
    assert funding.path == ["ETHUSDT-fundingRate-*.zip"]
    assert not config.notes
    assert from_mapping(config.resolved(), folder=tmp_path).desks == config.desks


def test_symbols_may_differ_by_what_one_of_them_has_alone(tmp_path: Path) -> None:
    block = {"feed": "SyntheticTape", "path": [], "symbols": ["A", "B"], "but": {"B": {"seed": 2}}}
    rules = {"kind": "Rules", "params": {"long": {"enter": "close > open"}}}
    config = made(tmp_path, block, strategy=rules)
    assert [config.data[name].params["seed"] for name in config.desks] == [1, 2]


def test_an_exchanges_list_gives_the_steps_and_a_symbol_may_differ(tmp_path: Path) -> None:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
    rows = [{"symbol": "BTCUSDT", "filters": [*filters, {"filterType": "MIN_NOTIONAL", "notional": "100"}]}]
    bybit = {"priceFilter": {"tickSize": "0.05"}, "lotSizeFilter": {"qtyStep": "0.01", "minNotionalValue": "5"}}
    for told, tick in (({"symbols": rows}, 0.1), ({"result": {"list": [{"symbol": "BTCUSDT", **bybit}]}}, 0.05)):
        (tmp_path / "list.json").write_text(json.dumps(told))
        config = made(tmp_path, {"specs": "list.json", "but": {"ETHUSDT": {"tick": 0.01, "fees": {"taker": "9bp"}}}})
        btc, eth = config.terms["BTCUSDT"], config.terms["ETHUSDT"]
        assert (btc.tick, eth.tick, eth.lot) == (tick, 0.01, None)
        assert (btc.min_notional, btc.fees.taker, eth.fees.taker) == (100 if tick == 0.1 else 5, 0.0, 9e-4)
    assert made(tmp_path, {"specs": "list.json", "tick": 0.5}).terms["BTCUSDT"].tick == 0.5


def test_all_files_that_match_are_a_universe_and_survivorship_is_said(tmp_path: Path) -> None:
    for name in ("ETHUSDT-1m-2024-01", "ETHUSDT-1m-2024-02", "BTCUSDT-1m-2024-01", "1000PEPEUSDT-1m-2024-01", "other"):
        (tmp_path / f"{name}.csv").touch()
    config = made(tmp_path, {"symbols": "*"})
    assert config.desks == ("_1000PEPEUSDT", "BTCUSDT", "ETHUSDT")
    assert config.data["_1000PEPEUSDT"].path == ["1000PEPEUSDT-1m-*.csv"]
    (note,) = config.notes
    assert "3 instruments" in note
    assert "survivorship" in note


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"symbols": "BTCUSDT"}, r"data\.perps\.symbols: must be a list of symbols"),
        ({"symbols": "*"}, r"data\.perps\.symbols: no file matches path"),
        ({"symbols": "BTC, ETH"}, r"data\.perps\.symbols: must be a list of symbols"),
        ({"symbols": ["A", "A"]}, r"data\.perps\.symbols: names a symbol twice"),
        ({"path": "x.csv"}, r"data\.perps: BTCUSDT and ETHUSDT are the same: write \{symbol\}"),
        ({"but": {"BTCUSD": {}}}, r"data\.perps\.but\.BTCUSD: unknown symbol 'BTCUSD', did you mean 'BTCUSDT'"),
        ({"but": {"BTCUSDT": 1}}, r"data\.perps\.but\.BTCUSDT: must be a mapping"),
        ({"specs": "none.json"}, r"data\.perps\.specs: 'none.json' cannot be read"),
    ],
)
def test_what_is_wrong_with_a_universe_is_told_where_it_stands(
    tmp_path: Path, block: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TapeflowError, match=complaint):
        made(tmp_path, block, strategy={"kind": "Rules", "params": {"long": {"enter": "close > open"}}})


def test_a_symbol_that_has_the_name_of_another_block_is_a_mistake(tmp_path: Path) -> None:
    data = {"perps": BLOCK, "ETHUSDT": {"feed": "CsvBars", "path": "x.csv"}}
    with pytest.raises(TapeflowError, match=r"data\.perps\.symbols: 'ETHUSDT' is the name of a data block already"):
        made(tmp_path, {}, data=data)


def test_a_mistake_in_the_block_points_at_its_line(tmp_path: Path) -> None:
    text = (
        "data:\n  perps:\n    feed: CsvBars\n    symbols: [A, B]\n    path: '{symbol}.csv'\n    tick: -1\n"
        "trade: perps\nstrategy: {kind: Rules, params: {long: {enter: close > open}}}\n"
    )
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(TapeflowError, match=r"run\.yaml:6:11: data\.A\.tick"):
        load_config(tmp_path / "run.yaml")
