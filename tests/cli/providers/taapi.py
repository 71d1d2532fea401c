"""TAAPI.IO's ``volume``: each parameter of its page."""

from __future__ import annotations

import pytest

from tapeflow.tests.cli.providers.rows import BEGIN, Page, Ran, Row, refused, run, within

_ASK = "tapeflow compute trades.csv --feed CsvTape --indicator SignedVolume --like taapi"
_HOLES = "tapeflow compute holes.csv --feed CsvBars --indicator s=SignedVolume --out -"


def signed(start: int, length: int) -> float:
    """The whole volume of a candle with the sign of its colour, in plain Python."""
    inside = within(start, start + length)
    opened, closed = inside[0].price, inside[-1].price
    return sum(t.quantity for t in inside) * ((closed > opened) - (closed < opened))


def _near(told: object, wanted: object) -> None:
    assert told == pytest.approx(wanted, rel=1e-12)


def _interval(ran: Ran) -> None:
    _near(ran.json["value"], [signed(BEGIN, 3600), signed(BEGIN + 3600, 3600)])


def _forming(ran: Ran) -> None:
    _near(ran.json, {"value": signed(BEGIN + 9000, 1800)})
    assert "2023-06-01T02:30:00Z, was still forming" in ran.notes


def _closed(ran: Ran) -> None:
    _near(ran.json, {"value": signed(BEGIN + 7200, 1800)})
    assert "forming" not in ran.notes


def _results(ran: Ran) -> None:
    _near(ran.json["value"], [signed(BEGIN + 600 * i, 600) for i in (14, 15, 16)])


def _maximum(ran: Ran) -> None:
    assert len(ran.json["value"]) == 16


def _chart(ran: Ran) -> None:
    plain, averaged = run(f"{_ASK} --bars 5m --results max --backtrack 1").json["value"], ran.json["value"]
    assert [abs(v) for v in plain] == [abs(v) for v in averaged]
    assert plain != averaged


def _stamps(ran: Ran) -> None:
    assert ran.json["timestamp"] == [BEGIN, BEGIN + 3600]


def _between(ran: Ran) -> None:
    _near(ran.json["value"], [signed(BEGIN + 1800, 1800), signed(BEGIN + 3600, 1800)])


def _yaml(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["open_time"].tolist() == [(BEGIN + 1800) * 1_000_000, (BEGIN + 3600) * 1_000_000]


def _gaps(ran: Ran) -> None:
    wanted = [signed(BEGIN, 60), 0.0, signed(BEGIN + 120, 60), signed(BEGIN + 180, 60)]
    assert [float(r["s.signed_volume"]) for r in ran.rows] == pytest.approx(wanted)
    assert len(run(f"{_HOLES} --gaps keep").rows) == 3


def _read(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["signed_volume"].tolist() == [37175.32356, -7754.654559997343]
    assert ran.bars["volume"].tolist() == [37175.32356, 7754.654559997343]
    assert any("sign" in note and "signed_volume" in note for note in ran.bars.notes)


def _read_forming(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["signed_volume"].tolist() == [37175.32356, -7754.654559997343, 12.5]
    assert [bool(q & 4) for q in ran.bars["quality"].tolist()] == [False, False, True]


def _secret(ran: Ran) -> None:
    assert "no such option" in refused(f"{_ASK} --bars 1h --secret X").lower()


PAGE = Page(
    "TAAPI.IO: volume",
    "A candle's whole volume, negative where the candle is red: the colour, not the delta. `--backtrack 0`, the page's "
    "default, is the candle that is still forming where the data end, and standard error says so; where they end with "
    "a closed one it is that, as `1` always is; without `--backtrack` and `--partial` it is a closed one too.",
    (
        Row(
            "exchange, symbol",
            "`binance`, `BTC/USDT`",
            f"{_ASK} --bars 1h --results 2 --backtrack 1",
            "the market is the files that are named",
            _interval,
        ),
        Row("secret", "a key", f"{_ASK} --bars 1h", "files need none; the option is refused", _secret),
        Row(
            "interval",
            "`1m` … `1w`",
            f"{_ASK} --bars 1h --results max --backtrack 1",
            "each value is the volume of its hour, signed by its colour",
            _interval,
        ),
        Row(
            "backtrack",
            "0 is the current candle",
            f"{_ASK} --bars 30m --backtrack 0",
            "the half hour that the tape ends inside, which is said",
            _forming,
        ),
        Row(
            "backtrack",
            "1 is the last closed candle",
            f"{_ASK} --bars 30m --backtrack 1",
            "the last half hour that is whole",
            _closed,
        ),
        Row(
            "chart",
            "`candles`, `heikinashi`",
            f"{_ASK} --bars 5m --results max --backtrack 1 --chart heikinashi",
            "sizes stay, signs are those of Heikin-Ashi candles",
            _chart,
        ),
        Row(
            "results",
            "a number",
            f"{_ASK} --bars 10m --results 3 --backtrack 0",
            "the last three, the forming one among them",
            _results,
        ),
        Row("results", "`max`", f"{_ASK} --bars 10m --results max --backtrack 1", "all closed candles", _maximum),
        Row(
            "addResultTimestamp",
            "`true`, `false`",
            f"{_ASK} --bars 1h --results 2 --backtrack 1 --timestamps seconds",
            "starts of the candles in seconds",
            _stamps,
        ),
        Row(
            "fromTimestamp, toTimestamp",
            "unix seconds",
            f"{_ASK} --bars 30m --from {BEGIN + 1800} --to {BEGIN + 5400} --backtrack 1",
            "the two half hours between",
            _between,
        ),
        Row(
            "fromTimestamp, toTimestamp",
            "unix seconds",
            f"{{feed: CsvTape, path: trades.csv, bars: 30m, from: {BEGIN + 1800}, to: {BEGIN + 5400}}}",
            "the same in the data block of a run",
            _yaml,
        ),
        Row(
            "gaps",
            "`true`, `false`",
            f"{_HOLES} --gaps fill",
            "a missing minute is a bar without volume, or with `keep` none",
            _gaps,
        ),
        Row(
            "(answer)",
            "`value`, `timestamp`",
            "{feed: TaapiVolume, path: taapi.json}",
            "`signed_volume` holds the sign, `volume` the size; the forming candle is left out",
            _read,
        ),
        Row(
            "(answer)",
            "`value`, `timestamp`",
            "{feed: TaapiVolume, path: taapi.json, unfinished: keep}",
            "the forming candle comes last, flagged PARTIAL",
            _read_forming,
        ),
    ),
)
