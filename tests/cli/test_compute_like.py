"""`tapeflow compute --like`: the shapes in which the data providers answer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tapeflow.cli.provider_formats import APERIODIC, amberdata, aperiodic, kiyotaka, stamps, taapi
from tapeflow.core.bars import Bars, Levels
from tapeflow.core.clock import HOUR, MINUTE
from tapeflow.core.errors import DataError, InputError, ParamError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.core.samples import sample_bars
from tapeflow.tests.helpers.command import tapeflow
from tapeflow.tests.helpers.compute_runs import DELTA, TAPE, compute, error, rows

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
START = 1_749_423_600_000_000
"""2025-06-08T23:00Z, the newest bar of Amberdata's page."""


def bars_of_the_books() -> Bars:
    """The two bars of TAAPI's page: a green candle of 37175.32356 and a red one of 7754.654559997343."""
    opened = 1_685_577_600_000_000 + HOUR * np.arange(2)
    return Bars.of(
        open_time=opened,
        close_time=opened + HOUR,
        open=[10.0, 12.0],
        high=[13.0, 12.5],
        low=[9.0, 10.0],
        close=[12.0, 11.0],
        volume=[37175.32356, 7754.654559997343],
    )


class TestTaapi:
    """One value, or lists of them, oldest first."""

    def test_gives_the_values_of_the_page(self) -> None:
        lines = {"signed_volume": _signed(bars_of_the_books())}
        assert taapi(lines, None, many=False) == {"value": -7754.654559997343}
        assert taapi(lines, stamps(bars_of_the_books(), "seconds"), many=True) == {
            "value": [37175.32356, -7754.654559997343],
            "timestamp": [1685577600, 1685581200],
        }

    def test_prints_one_value_or_as_many_as_asked_for(self) -> None:
        wish = ("--bars", "10m", "--indicator", "SignedVolume", "--like", "taapi")
        one, three = json.loads(compute(*wish)), json.loads(compute(*wish, "--results", 3))
        assert list(one) == list(three) == ["value"]
        assert (len(three["value"]), three["value"][-1]) == (3, one["value"])
        stamped = json.loads(compute(*wish, "--timestamps", "seconds", "--backtrack", 2))
        assert stamped["value"] == three["value"][1]
        assert stamped["timestamp"] == 1_704_067_200 + 13 * 600
        assert len(json.loads(compute(*wish, "--from", "2024-01-01T01:00"))["value"]) == 9

    def test_is_null_where_nothing_is_known(self) -> None:
        wish = ("--bars", "10m", "--indicator", "talib.RSI(timeperiod=14)", "--like", "taapi", "--results", "max")
        assert json.loads(compute(*wish))["value"][:14] == [None] * 14

    def test_is_read_back_by_our_feed_for_it(self, tmp_path: Path) -> None:
        path = tmp_path / "volume.json"
        wish = ("--bars", "10m", "--indicator", "SignedVolume", "--results", "max")
        compute(*wish, "--like", "taapi", "--timestamps", "seconds", "--out", path)
        back = FEEDS["TaapiVolume"](path, backtrack=1).bars()
        table = rows(compute(*wish))
        assert back["signed_volume"].tolist() == [float(r["signed_volume.signed_volume"]) for r in table]
        assert back["open_time"].tolist() == [int(r["open_time"]) for r in table]


def _signed(bars: Bars) -> Any:
    from tapeflow.indicators.signed_volume import SignedVolume

    return SignedVolume.over(bars)["signed_volume"].to_numpy()


class TestAmberdata:
    """VWAP of the trades and mean of the minutes' closes, newest first."""

    def test_gives_the_row_of_the_page(self) -> None:
        closes = np.full(60, 105726.0)
        closes[0] += 7.21
        minutes = Bars.of(
            open_time=START + MINUTE * np.arange(60), close_time=START + MINUTE * np.arange(1, 61), close=closes
        )
        quote, vwap = 17077624.10253145, 105724.81842395054
        hour = Bars.of(open_time=[START], close_time=[START + HOUR], volume=[quote / vwap], quote_volume=[quote])
        (row,) = amberdata(hour, minutes, {"exchange": "gdax", "pair": "btc_usd"})["payload"]["data"]
        page = {
            "exchange": "gdax",
            "pair": "btc_usd",
            "timestamp": "2025-06-08 23:00:00 000",
            "totalVolumeUSD": 17077624.10253145,
            "twap": 105726.12016666665,
            "vwap": 105724.81842395054,
        }
        assert list(row) == list(page)
        assert row == {**page, "twap": pytest.approx(page["twap"], rel=1e-15), "vwap": pytest.approx(vwap, rel=1e-15)}

    @pytest.mark.real_data
    def test_has_the_keys_of_the_recorded_page(self, real_data: Path) -> None:
        text = (REFERENCE / "004_a848351153972565.txt").read_text()
        page, _ = json.JSONDecoder().raw_decode(text[text.index('{\n"status"') :])
        made = json.loads(compute("--bars", "1h", "--like", "amberdata", "--id", "pair=btc_usd"))
        assert list(made) == list(page)
        assert list(made["payload"]["data"][0]) == list(page["payload"]["data"][0])

    def test_is_the_plain_definition_over_minutes(self) -> None:
        minute = rows(compute("--bars", "1m", "--indicator", "TakerVolume"))
        asked = "--bars", "1h", "--like", "amberdata", "--partial", "--id", "pair=x_usd"
        data = json.loads(compute(*asked))["payload"]["data"]
        bars = tapeflow("bars", *TAPE, "--bars", "1m", "--out", "-").stdout
        closes = [float(r["close"]) for r in rows(bars)]
        assert [row["timestamp"] for row in data] == [1_704_067_200_000 + 3_600_000 * h for h in (2, 1, 0)]
        for row, hour in zip(data, (2, 1, 0), strict=True):
            mine = minute[60 * hour : 60 * hour + 60]
            quote = math.fsum(float(r[f"taker_volume.{s}_quote"]) for r in mine for s in ("buy", "sell"))
            base = math.fsum(float(r[f"taker_volume.{s}"]) for r in mine for s in ("buy", "sell"))
            assert row["totalVolumeUSD"] == pytest.approx(quote, rel=1e-12)
            assert row["vwap"] == pytest.approx(quote / base, rel=1e-12)
            assert row["twap"] == pytest.approx(np.mean(closes[60 * hour : 60 * hour + 60]), rel=1e-14)

    def test_is_read_back_by_our_feed_for_it(self, tmp_path: Path) -> None:
        path = tmp_path / "vwap.json"
        compute("--bars", "1h", "--like", "amberdata", "--id", "exchange=synth", "--id", "pair=btc_usd", "--out", path)
        told = json.loads(path.read_text())["payload"]["data"]
        back = FEEDS["AmberdataVWAP"](path).bars()
        assert back["vwap"].tolist() == [row["vwap"] for row in reversed(told)]
        assert back["twap"].tolist() == [row["twap"] for row in reversed(told)]

    @pytest.mark.parametrize(
        "pair", [(), ("--id", "pair=eth_btc"), ("--id", "pair=btc_usdt"), ("--id", "pair=btc_eur")]
    )
    def test_has_no_volume_in_dollars_where_the_quote_currency_is_not_the_dollar(self, pair: tuple[str, ...]) -> None:
        done = tapeflow("compute", *TAPE, "--bars", "1h", "--like", "amberdata", *pair)
        assert done.exit_code == 0
        assert "totalVolumeUSD is left out" in done.stderr
        for row in json.loads(done.stdout)["payload"]["data"]:
            assert list(row) == ["exchange", "pair", "timestamp", "twap", "vwap"]

    def test_klines_longer_than_a_minute_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "BTCUSDT-1h-2024-01-01.csv"
        times = [1_704_067_200_000 + 3_600_000 * hour for hour in (0, 1)]
        path.write_text("".join(f"{t},100,101,99,100,3,{t + 3_599_999},300,2,2,200,0\n" for t in times))
        assert "holds klines of 1h, not 1m" in error(path, "--feed", "BinanceKlines", "--like", "amberdata")


class TestKiyotaka:
    """Series of an id and its points, each a flat list of triplets."""

    def test_gives_the_triplets_of_the_page(self) -> None:
        levels = Levels(
            np.array([0, 3]),
            np.array([66108, 66114, 66120]),
            np.array([0.0, 6.239000000000001, 7.307999999999996]),
            np.array([5.466999999999996, 25.31399999999998, 20.503000000000004]),
            1.0,
            6,
        )
        start = 1_774_803_600_000_000
        bars = Bars.of(open_time=[start], close_time=[start + HOUR], levels=levels, spec="1h")
        names = {"exchange": "BINANCE_FUTURES", "rawSymbol": "BTCUSDT"}
        profile = [66108, 0, 5.466999999999996, 66114, 6.239000000000001, 25.31399999999998]
        assert kiyotaka(bars, names) == {
            "series": [
                {
                    "id": {"type": "VOLUME_PROFILE_AGG", **names, "interval": "HOUR"},
                    "points": [
                        {
                            "Point": {
                                "profile": [*profile, 66120, 7.307999999999996, 20.503000000000004],
                                "timestamp": {"s": 1774803600},
                            }
                        }
                    ],
                }
            ]
        }

    def test_is_read_back_by_our_feed_for_it(self, tmp_path: Path) -> None:
        path = tmp_path / "profile.json"
        compute("--bars", "1h", "--row-size", 20, "--like", "kiyotaka", "--id", "coin=BTC", "--out", path)
        back = FEEDS["KiyotakaProfile"](path).bars()
        table = rows(compute("--bars", "1h", "--indicator", "TakerVolume"))
        for side in ("buy", "sell"):
            volumes = [float(r[f"taker_volume.{side}"]) for r in table]
            assert back[f"taker_{side}_volume"].tolist() == pytest.approx(volumes, rel=1e-12)
        assert back.levels.row_size == 20.0

    def test_klines_know_no_price_rows(self) -> None:
        with pytest.raises(InputError, match="no price rows"):
            kiyotaka(sample_bars(3, klines=True), {})


class TestAperiodic:
    """The 36 fields of the flow page."""

    @pytest.mark.real_data
    def test_has_exactly_the_fields_of_the_page_in_its_order(self, real_data: Path) -> None:
        text = (REFERENCE / "003_a9a16f9dbf69b188.txt").read_text()
        assert len(APERIODIC) == 36
        at = [text.index(name) for name in APERIODIC]
        assert min(at) >= 0
        made = aperiodic(sample_bars(5))
        assert list(made) == ["time", *APERIODIC]

    def test_is_the_pages_formulas_on_every_bar(self) -> None:
        bars = sample_bars(40, seed=5)
        made = aperiodic(bars)
        assert made["time"][0] == np.datetime64("2024-01-01T00:00:00")
        for i in range(len(bars)):
            b, s = bars["taker_buy_volume"][i], bars["taker_sell_volume"][i]
            n, m = bars["taker_buy_count"][i], bars["taker_sell_count"][i]
            p = b / (b + s)
            expected = {
                "volume_delta": b - s,
                "volume_delta_notional": bars["taker_buy_quote_volume"][i] - bars["taker_sell_quote_volume"][i],
                "flow_entropy": -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0),
                "taker_buy_sell_ratio": b / s if s else math.nan,
                "taker_buy_sell_count_ratio": n / m if m else math.nan,
                "taker_buy_sell_percentage": p,
                "taker_buy_sell_count_percentage": n / (n + m),
            }
            for side in ("buy", "sell"):
                classes = [f"taker_{side}_{size}_order" for size in ("small", "medium", "large")]
                for what, name in (("volume", "percentage"), ("count", "count_percentage")):
                    total = math.fsum(bars[f"{c}_{what}"][i] for c in classes)
                    expected |= {f"{c}_{what}": bars[f"{c}_{what}"][i] for c in classes}
                    expected |= {f"{c}_{name}": bars[f"{c}_{what}"][i] / total if total else math.nan for c in classes}
            for name, value in expected.items():
                assert made[name][i] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), (name, i)

    def test_toxicity_of_the_second_bar_is_a_half_either_way(self) -> None:
        # Two observations are always one deviation of 1/√2 from their mean: see the provider's own notebook.
        made = aperiodic(sample_bars(10, seed=2))["flow_toxicity_score"]
        assert math.isnan(made[0])
        assert abs(made[1]) == pytest.approx(0.5, rel=1e-12)

    def test_refuses_by_name_what_klines_cannot_give(self) -> None:
        bars = sample_bars(20, klines=True)
        with pytest.raises(InputError) as caught:
            aperiodic(bars)
        told = str(caught.value)
        assert "taker_buy_count, taker_sell_count" in told
        assert "taker_sell_large_order_count_percentage" in told
        assert "volume_delta" not in told
        assert list(aperiodic(bars, ["volume_delta", "flow_entropy"])) == ["time", "volume_delta", "flow_entropy"]
        with pytest.raises(ParamError, match="unknown field 'volum_delta', did you mean 'volume_delta'"):
            aperiodic(bars, ["volum_delta"])

    def test_is_read_back_by_our_feed_for_it(self, tmp_path: Path) -> None:
        path = tmp_path / "2024-01.parquet"
        compute("--bars", "10m", "--like", "aperiodic", "--out", path)
        assert str(pq.read_schema(path).field("time").type) == "timestamp[us]"
        back = FEEDS["AperiodicFlow"](path).bars()
        table = rows(compute(*DELTA))
        assert back["volume_delta"].tolist() == [float(r["d.delta"]) for r in table]
        assert back["open_time"].tolist() == [int(r["open_time"]) for r in table]

    def test_takes_the_last_bars_and_other_stamps(self) -> None:
        told = json.loads(
            compute(
                "--bars", "10m", "--like", "aperiodic", "--results", 2, "--timestamps", "seconds", "--format", "json"
            )
        )
        assert [row["time"] for row in told] == [1_704_067_200 + 600 * i for i in (13, 14)]


def test_bars_without_minutes_have_no_mean_of_their_closes() -> None:
    bars = sample_bars(2, klines=True)
    with pytest.raises(DataError, match="no whole minutes"):
        amberdata(bars.assign(close_time=bars["close_time"] - 1), bars, {})
    nothing = amberdata(bars, bars.slice(0, 0), {})["payload"]["data"]
    assert all(math.isnan(row["twap"]) for row in nothing)
