"""Kiyotaka's volume profile: each parameter of its page."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from tapeflow.tests.cli.providers.rows import BEGIN, Page, Ran, Row, refused, run, within

_ASK = "tapeflow compute trades.csv --feed CsvTape --like kiyotaka --bars HOUR"
_IDS = "--id exchange=BINANCE_FUTURES --id rawSymbol=BTCUSDT"
_WINDOW = f"--from {BEGIN} --period 3600"
PROFILE = [66108, 0, 5.467, 66114, 6.239, 25.314, 66120, 7.308, 20.503]
"""The part of a profile that the page shows."""
PRICES = (0.9995, 1.0005, 0.98, 0.97)
"""Dollars in one unit of the quote currency, by half hours."""
_VENUES = (
    "tapeflow compute . --feed Merge --param 'feeds=[{feed: CsvTape, path: trades.csv, name: a}, "
    "{feed: CsvTape, path: trades.csv, name: b, rate: 2}]' --like kiyotaka --bars HOUR --row-size 2 "
    "--id exchange=BINANCE_FUTURES --id exchange=BYBIT --id coin=BTC"
)
_RULE = (
    f"{{data: {{main: {{feed: CsvTape, path: trades.csv, bars: 10m, from: {BEGIN + 1200}, usd: usdt}}, "
    "usdt: {feed: CsvBars, path: usd.csv}}, "
    "indicators: {flow: {kind: VolumeDelta, unit: usd}}, strategy: {kind: Rules, params: {long: {"
    "enter: 'flow.delta > 223000', exit: 'flow.delta <= 223000'}}}}"
)
_ROWS = (
    "{data: {main: {feed: CsvTape, path: trades.csv, bars: 30m, tick: 0.1, row_size: 0.1, "
    f"from: {BEGIN}, usd: usdt}}, "
    "usdt: {feed: CsvBars, path: usd.csv}}, indicators: {rows: {kind: VolumeProfile, unit: usd, window: 4}}, "
    "strategy: {kind: Rules, params: {long: {enter: 'close > rows.poc', exit: 'close < rows.poc'}}}}"
)


def put_files(folder: Path) -> None:
    """Answers as the page shows them, of one exchange and of two, candles by side, and prices of a quote currency."""
    point = {"Point": {"profile": PROFILE, "timestamp": {"s": 1774803600}}}
    name = {"type": "VOLUME_PROFILE_AGG", "exchange": "BINANCE_FUTURES", "rawSymbol": "BTCUSDT", "interval": "HOUR"}
    series = {"id": {**name, "coin": "BTC"}, "points": [point]}
    (folder / "profile.json").write_text(json.dumps({"series": [series]}))
    other = {"Point": {"profile": [66114, 1, 2, 66126, 3, 4], "timestamp": {"s": 1774803600}}}
    second = {"id": {**name, "exchange": "BYBIT", "coin": "BTC"}, "points": [other]}
    (folder / "two.json").write_text(json.dumps({"series": [series, second]}))
    sides = []
    for side, prices in (("BUY", (10, 12, 9, 11, 5)), ("SELL", (10, 11, 8, 11, 7))):
        candle = dict(zip(("open", "high", "low", "close", "volume"), prices, strict=True))
        sides.append(
            {
                "id": {"type": "TRADE_AGG", "side": side, "interval": "MINUTE"},
                "points": [{"Point": {**candle, "timestamp": {"s": 1774803600}}}],
            }
        )
    (folder / "candles.json").write_text(json.dumps({"series": sides}))
    lines = ["time,open,high,low,close,volume"]
    lines += [f"{BEGIN + 1800 * i},{p},{p},{p},{p},1" for i, p in enumerate(PRICES)]
    (folder / "usd.csv").write_text("\n".join([*lines, ""]))


def triplets(start: int, height: float, price: float = 0.0) -> dict[float, list[float]]:
    """Bought and sold by row, in plain Python: base, or of a ``price`` dollars."""
    rows: dict[float, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for t in within(start, start + 3600):
        rows[t.price // height * height][t.side < 0] += t.quantity * (t.price * price if price else 1.0)
    return dict(sorted(rows.items()))


def told(ran: Ran, point: int = 0) -> dict[float, list[float]]:
    """The same of an answer."""
    flat = ran.json["series"][0]["points"][point]["Point"]["profile"]
    return {p: [b, s] for p, b, s in zip(flat[::3], flat[1::3], flat[2::3], strict=True)}


def _same(got: dict[float, list[float]], wanted: dict[float, list[float]], rel: float = 1e-9) -> None:
    assert list(got) == list(wanted)
    for row, sides in wanted.items():
        assert got[row] == pytest.approx(sides, rel=rel, abs=1e-9)


def _profile(ran: Ran) -> None:
    assert "price rows of 2," in ran.notes
    _same(told(ran), triplets(BEGIN, 2.0))
    assert ran.json["series"][0]["points"][0]["Point"]["timestamp"] == {"s": BEGIN}


def _names(ran: Ran) -> None:
    assert ran.json["series"][0]["id"] == {
        "type": "VOLUME_PROFILE_AGG",
        "exchange": "BINANCE_FUTURES",
        "rawSymbol": "BTCUSDT",
        "interval": "HOUR",
    }


def _window(ran: Ran) -> None:
    assert len(ran.json["series"][0]["points"]) == 1
    assert run(f"{_ASK} --from {BEGIN} --to {BEGIN + 3600}").json == ran.json


def _yaml(ran: Ran) -> None:
    assert ran.bars is not None
    assert (len(ran.bars), ran.bars.spec) == (1, "1h")


def _two(ran: Ran) -> None:
    assert ran.json["series"][0]["id"]["exchange"] == ["BINANCE_FUTURES", "BYBIT"]


def _apart(ran: Ran) -> None:
    assert [one["id"]["exchange"] for one in ran.json["series"]] == ["BINANCE_FUTURES", "BYBIT"]
    _same(told(ran), triplets(BEGIN, 2.0))
    flat = ran.json["series"][1]["points"][0]["Point"]["profile"]
    wanted: dict[float, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for t in within(BEGIN, BEGIN + 3600):
        wanted[2 * t.price // 2.0 * 2.0][t.side < 0] += t.quantity
    found = {p: [b, s] for p, b, s in zip(flat[::3], flat[1::3], flat[2::3], strict=True)}
    _same(found, dict(sorted(wanted.items())))
    assert "1 exchange for 2 venues" in refused(_VENUES.replace("--id exchange=BYBIT ", ""))


def _together(ran: Ran) -> None:
    (series,) = ran.json["series"]
    assert series["id"]["exchange"] == ["BINANCE_FUTURES", "BYBIT"]
    sold = sum(t.quantity for t in within(BEGIN, BEGIN + 3600) if t.side < 0)
    assert sum(series["points"][0]["Point"]["profile"][2::3]) == pytest.approx(2 * sold)


def _dollars(ran: Ran) -> None:
    _same(told(ran), triplets(BEGIN, 2.0, 1.0), rel=1e-4)
    flat = told(ran).values()
    paid = [sum(t.price * t.quantity for t in within(BEGIN, BEGIN + 3600) if t.side == side) for side in (1, -1)]
    assert [sum(row[k] for row in flat) for k in (0, 1)] == pytest.approx(paid, rel=1e-12)
    assert "1 unit of the quote currency is 1 USD" in ran.notes


def _rule_in_dollars(ran: Ran) -> None:
    known = {BEGIN + 1800 * (i + 1): price for i, price in enumerate(PRICES)}
    wanted, held = [], False
    for close in range(min(known), BEGIN + 9900, 600):
        price = known[max(t for t in known if t <= close)]
        flow = sum(t.side * t.price * t.quantity for t in within(close - 600, close)) * price
        if (flow > 223_000) != held:
            held = not held
            wanted.append((close * 1_000_000, "buy" if held else "sell"))
    assert [(order["created_time"], order["side"]) for order in ran.orders] == wanted
    assert len(wanted) > 2


def _rows_in_dollars(ran: Ran) -> None:
    price = {BEGIN + 1800 * (i + 1): price for i, price in enumerate(PRICES)}
    closes = range(BEGIN + 1800, BEGIN + 9900, 1800)
    held, wanted = False, []
    for close in closes[3:]:
        rows: dict[float, float] = defaultdict(float)
        for start in range(close - 7200, close, 1800):
            for t in within(start, start + 1800):
                rows[t.price] += t.quantity * t.price * price.get(start + 1800, PRICES[-1])
        heaviest = max(rows, key=rows.__getitem__)
        last = within(close - 1800, close)[-1].price
        if last < heaviest if held else last > heaviest:
            held = not held
            wanted.append((close * 1_000_000, "buy" if held else "sell"))
    assert [(order["created_time"], order["side"]) for order in ran.orders] == wanted
    assert wanted


def _ticks(ran: Ran) -> None:
    _same(told(ran), triplets_of_ticks(1.0005))


def triplets_of_ticks(price: float) -> dict[float, list[float]]:
    """A row a price, in dollars."""
    rows: dict[float, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for t in within(BEGIN, BEGIN + 3600):
        rows[t.price][t.side < 0] += t.quantity * t.price * price
    return dict(sorted(rows.items()))


def _read(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars.levels is not None
    assert (ran.bars.levels.row_size, ran.bars.levels.price.tolist()) == (6.0, [66108, 66114, 66120])
    assert ran.bars["taker_sell_volume"].tolist() == pytest.approx([5.467 + 25.314 + 20.503])


def _picked(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["volume"].tolist() == [10.0]


def _summed(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars.levels is not None
    assert ran.bars.levels.price.tolist() == [66108, 66114, 66120, 66126]
    assert ran.bars.levels.buy_volume.tolist() == pytest.approx([0, 7.239, 7.308, 3])
    assert ran.bars.levels.sell_volume.tolist() == pytest.approx([5.467, 27.314, 20.503, 4])


def _candles(ran: Ran) -> None:
    assert ran.bars is not None
    wanted = {"open": 10, "high": 12, "low": 8, "close": 11, "taker_buy_volume": 5, "taker_sell_volume": 7}
    assert {name: float(ran.bars[name][0]) for name in wanted} == wanted


def _by_side(ran: Ran) -> None:
    for series, side in zip(ran.json["series"], (1, -1), strict=True):
        assert series["id"] == {
            "type": "TRADE_AGG",
            "exchange": "BINANCE_FUTURES",
            "rawSymbol": "BTCUSDT",
            "interval": "MINUTE",
            "side": "BUY" if side > 0 else "SELL",
        }
        points = {point["Point"]["timestamp"]["s"]: point["Point"] for point in series["points"]}
        wanted = {}
        for start in range(BEGIN, BEGIN + 9900 - 60, 60):
            if own := [t for t in within(start, start + 60) if t.side == side]:
                prices = [t.price for t in own]
                wanted[start] = [prices[0], max(prices), min(prices), prices[-1], sum(t.quantity for t in own)]
        found = {t: [p[n] for n in ("open", "high", "low", "close", "volume")] for t, p in points.items()}
        assert list(found)[: len(wanted)] == list(wanted)
        for start, values in wanted.items():
            assert found[start] == pytest.approx(values, rel=1e-12)


def _read_back(ran: Ran) -> None:
    assert ran.bars is not None
    took = [sum(t.quantity for t in within(BEGIN, BEGIN + 3600) if t.side == side) for side in (1, -1)]
    assert [float(ran.bars[f"taker_{side}_volume"][0]) for side in ("buy", "sell")] == pytest.approx(took, rel=1e-12)


def _by_side_in_dollars(ran: Ran) -> None:
    for series, side in zip(ran.json["series"], (1, -1), strict=True):
        paid = sum(t.price * t.quantity for t in within(BEGIN, BEGIN + 3600) if t.side == side)
        assert series["points"][0]["Point"]["volume"] == pytest.approx(paid * 0.9991, rel=1e-12)


PAGE = Page(
    "Kiyotaka: volume profile",
    "Flat triplets of price, bought and sold volume. The height of a row is the server's own: the page shows 6 at "
    "66108, on multiples of 6, which is a basis point (6.6) down to one digit, in whole ticks. `--like kiyotaka` takes "
    "that rule and says so. A row is named by its lower edge. Dollars are what a row's volume came to at its price; of "
    "rows higher than a tick at their middle, scaled to what each side paid in the bar; `--usd` says what the quote "
    "currency is worth. "
    "In a run `unit: quote` asks flow, profiles, imbalances and what else reads price rows for quote currency by the "
    "same rule, and `unit: usd` for dollars, where `usd` of the data block says what the quote currency is worth: a "
    "number, or a feed of the run, of which the last close known at a bar's own counts; `tapeflow compute --usd` says "
    "it for `VolumeDelta(unit=usd)`.",
    (
        Row("type", "`VOLUME_PROFILE_AGG`", _ASK, "every row of the first hour, in plain Python", _profile),
        Row("exchange, rawSymbol", "`BINANCE_FUTURES`, `BTCUSDT`", f"{_ASK} {_IDS}", "the id of the series", _names),
        Row("interval", "`HOUR`", _ASK, "an hour a point, stamped with its start", _profile),
        Row("from, period", "seconds", f"{_ASK} {_WINDOW}", "that hour alone", _window),
        Row(
            "from, period",
            "seconds",
            f"{{feed: CsvTape, path: trades.csv, bars: HOUR, from: {BEGIN}, period: 3600}}",
            "the same in the data block of a run",
            _yaml,
        ),
        Row("blockSize", "not needed", f"{_ASK} --results max", "rows of 2 at 27000, as the rule says", _profile),
        Row(
            "exchange (several), coin",
            "`BINANCE_FUTURES`, `BYBIT`",
            f"{_ASK} --id exchange=BINANCE_FUTURES --id exchange=BYBIT --id coin=BTC",
            "both are named, of one tape",
            _two,
        ),
        Row("exchange (several)", "one series each", _VENUES, "each venue's own rows in a series of its own", _apart),
        Row(
            "transform.groupBy.type",
            "`GROUP_BY_TYPE_SUM`",
            f"{_VENUES} --id transform.groupBy.type=GROUP_BY_TYPE_SUM",
            "one series, the rows of both venues summed",
            _together,
        ),
        Row(
            "transform.groupBy.type",
            "`GROUP_BY_TYPE_SUM`",
            "{feed: KiyotakaProfile, path: two.json, exchange: all}",
            "the series of all exchanges, summed row by row",
            _summed,
        ),
        Row(
            "exchange (several)",
            "one series each",
            "{feed: KiyotakaProfile, path: two.json, exchange: BYBIT}",
            "that one of them",
            _picked,
        ),
        Row("transform.normalize.quote", "`USD`", f"{_ASK} --usd 1", "dollars by row, and exactly by side", _dollars),
        Row(
            "transform.normalize.quote",
            "`USD`",
            f"{_ASK} --tick 0.1 --row-size 0.1 --usd CsvBars:usd.csv",
            "dollars at the last price of the quote currency known at the close of the hour",
            _ticks,
        ),
        Row(
            "transform.normalize.quote",
            "`USD`",
            _RULE,
            "in the YAML of a run: `usd` names the feed that prices the quote currency, or says a number",
            _rule_in_dollars,
        ),
        Row(
            "transform.normalize.quote",
            "`USD`",
            _ROWS,
            "a profile of four half hours, each at its own price of the quote currency",
            _rows_in_dollars,
        ),
        Row("profile", "triplets", "{feed: KiyotakaProfile, path: profile.json}", "the page's rows of 6", _read),
        Row(
            "(type)",
            "`TRADE_AGG`",
            f"{_ASK.replace('HOUR', 'MINUTE')} {_IDS} --id type=TRADE_AGG --results max",
            "open, high, low, close and volume of each side's trades, in plain Python",
            _by_side,
        ),
        Row(
            "(type)",
            "`TRADE_AGG`, `USD`",
            f"{_ASK} --id type=TRADE_AGG --usd 0.9991",
            "volumes of each side in dollars",
            _by_side_in_dollars,
        ),
        Row(
            "(TRADE_AGG)",
            "our own answer",
            "{feed: KiyotakaTrades, path: ours.json}",
            "what each side took, from the trades",
            _read_back,
        ),
        Row(
            "(TRADE_AGG)",
            "a series a side",
            "{feed: KiyotakaTrades, path: candles.json}",
            "both sides as one bar",
            _candles,
        ),
    ),
)
