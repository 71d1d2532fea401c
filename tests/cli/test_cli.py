"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import csv
import gc
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.cli.indicator_option import IndicatorOption, parse_indicator_option, parse_indicator_options
from tapeflow.cli.run import figures
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.files.folders import free_folder
from tapeflow.core.files.tables import read_table, write_table
from tapeflow.tests.helpers.command import tapeflow

MINUTE = 60_000_000
TRADES = [
    # seconds, price, quantity, whether the buyer was the maker
    (0, 100.0, 2.0, False),
    (30, 101.0, 1.0, True),
    (61, 102.0, 4.0, True),
    (130, 101.0, 3.0, False),
]


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    """A spot aggTrades dump of four trades in three minutes from 2024-01-01."""
    path = tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv"
    start = 1_704_067_200_000
    with path.open("w") as file:
        for i, (seconds, price, quantity, maker) in enumerate(TRADES):
            file.write(f"{i},{price},{quantity},{i},{i},{start + seconds * 1000},{maker},True\n")
    return path


@pytest.fixture
def klines(tmp_path: Path) -> Path:
    """Spot klines of three minutes, the middle one missing."""
    path = tmp_path / "BTCUSDT-1m-2024-01-01.csv"
    with path.open("w") as file:
        for minute, volume, taker in ((0, 3, 2), (2, 3, 1)):
            opened = 1_704_067_200_000 + minute * 60_000
            file.write(f"{opened},100,101,99,100,{volume},{opened + 59_999},{volume * 100},2,{taker},{taker * 100},0\n")
    return path


def error(*args: object, code: int = 2) -> str:
    """The one line that a mistake is told in."""
    result = tapeflow(*args)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    (line,) = result.stderr.splitlines()
    return line


class TestMistakes:
    """The user's mistakes: one line on standard error, exit code 2."""

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            (["rnu"], "tapeflow: unknown command 'rnu', did you mean 'run'?"),
            (["run"], "tapeflow run: missing argument 'CONFIG'"),
            (["run", "x.yaml", "--otu", "y"], "tapeflow run: no such option '--otu'"),
            (["run", "x.yaml"], "tapeflow: x.yaml: no such file"),
            (["run", "demoo"], "tapeflow: no file 'demoo', and unknown shipped config 'demoo', did you mean 'demo'?"),
            (["show", "VWPA"], "tapeflow: unknown kind 'VWPA', did you mean 'VWAP'?"),
            (["list", "indicator"], "tapeflow: unknown kind 'indicator', did you mean 'indicators'?"),
            (["list", "--plugins", "none.py"], "tapeflow: plugins: no file or folder 'none.py'"),
            (["bars", "x", "--feed", "BinanceAgTrades", "--bars", "1m", "--out", "-"], "tapeflow: unknown feed"),
            (
                ["bars", "--feed", "BinanceAggTrades", "--bars", "1m", "--out", "-"],
                "tapeflow: BinanceAggTrades reads files",
            ),
            (["bars", "none.zip", "--feed", "BinanceAggTrades", "--bars", "1m", "--out", "-"], "tapeflow: none.zip"),
            (["bars", "x", "--feed", "BinanceAggTrades", "--out", "-"], "tapeflow: BinanceAggTrades gives trades; say"),
            (
                ["bars", "x", "--feed", "BinanceAggTrades", "--out", "a.xls"],
                "tapeflow: a.xls: ending '.xls' is no format",
            ),
        ],
    )
    def test_is_told_in_one_line(self, args: list[str], says: str, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert error(*args).startswith(says)

    @pytest.mark.parametrize(
        ("option", "says"),
        [
            (["--market", "sopt"], "market must be one of"),
            (["--param", "sed=1"], "unknown parameter 'sed'"),
            (["--param", "seed"], "--param seed: must be key=value"),
            (
                ["--param", "session={calendar: XNYS}"],
                "--param session: is no parameter of BinanceAggTrades; give --bars",
            ),
            (["--row-size", "-1"], "--row-size: '-1' must be a price above 0, or auto"),
            (["--tick", "x"], "--tick: 'x' must be a price above 0"),
            (["--size-edges", "5,1"], "--size-edges: '5,1' must be ascending amounts"),
            (["--from", "noon"], "--from: 'noon' is no time"),
            (["--gaps", "fill"], "--gaps: BinanceAggTrades gives trades"),
            (["--levels", "l.csv"], "--levels: give --row-size"),
            (["--from", "2025-01-01"], "no trades from 2025-01-01"),
        ],
    )
    def test_in_an_option_is_told_by_its_name(self, option: list[str], says: str, trades: Path) -> None:
        assert says in error("bars", trades, "--feed", "BinanceAggTrades", "--bars", "1m", "--out", "-", *option)

    def test_in_a_config_takes_a_line_each(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.yaml"
        path.write_text("data: {b: {feed: SyntheticTape}}\nstrategy: {kind: Ruls}\nbrokr: 1\n")
        result = tapeflow("validate", path)
        assert (result.exit_code, result.stdout) == (2, "")
        first, second = result.stderr.splitlines()
        assert first.startswith(f"{path}:2:18: strategy.kind: unknown strategy 'Ruls', did you mean 'Rules'?")
        assert second.startswith(f"{path}:3:1: brokr: unknown key 'brokr', did you mean 'broker'?")

    def test_of_ours_is_told_as_ours(self, monkeypatch) -> None:
        import tapeflow.configs.shipped as module

        def fail(name: str) -> Path:
            raise RuntimeError("two\nlines")

        fail.__code__ = fail.__code__.replace(co_filename="<no file of the user's>")
        monkeypatch.setattr(module, "find_config", fail)
        told = error("validate", "demo", code=1)
        assert told == "tapeflow: internal error: RuntimeError: two lines; run again with --debug"
        assert "Traceback" in tapeflow("validate", "demo", "--debug").stderr

    def test_an_interrupt_ends_with_130(self, monkeypatch) -> None:
        import tapeflow.configs.shipped as module

        def interrupt(name: str) -> Path:
            raise KeyboardInterrupt

        monkeypatch.setattr(module, "find_config", interrupt)
        result = tapeflow("validate", "demo")
        assert result.exit_code == 130
        assert result.stderr.strip() == "tapeflow: interrupted"


class TestWishes:
    """``name=Kind(param=value)`` on the command line."""

    @pytest.mark.parametrize(
        ("text", "wish"),
        [
            ("VWAP", IndicatorOption("vwap", "VWAP")),
            ("VWAP()", IndicatorOption("vwap", "VWAP")),
            ("FlowToxicity(window=9)", IndicatorOption("flow_toxicity", "FlowToxicity", {"window": 9})),
            (
                " a = VWAP( anchor = 1d , bands=[2.0,3] )",
                IndicatorOption("a", "VWAP", {"anchor": "1d", "bands": [2.0, 3]}),
            ),
            ("talib.RSI(timeperiod=14)", IndicatorOption("rsi", "talib.RSI", {"timeperiod": 14})),
            ("x=mine:Own(text='a, (b', n=null)", IndicatorOption("x", "mine:Own", {"text": "a, (b", "n": None})),
            ("a=K(m={a: 1, b: [2, 3]})", IndicatorOption("a", "K", {"m": {"a": 1, "b": [2, 3]}})),
        ],
    )
    def test_are_read_as_yaml_reads_values(self, text: str, wish: IndicatorOption) -> None:
        assert parse_indicator_option(text) == wish

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "write name=Kind"),
            ("1a=VWAP", "write name=Kind"),
            ("VWAP(anchor=1d", "write name=Kind"),
            ("VWAP(1d)", "'1d' is no param=value"),
            ("VWAP(bands=[1)", "missing ]"),
            ("VWAP(a=1, a=2)", "parameter 'a' is given twice"),
            ("VWAP(a='x)", "missing '"),
            ("VWAP(a=]1)", "']' closes nothing"),
        ],
    )
    def test_name_the_argument_when_they_cannot_be_read(self, text: str, says: str) -> None:
        with pytest.raises(ParamError, match=says) as caught:
            parse_indicator_option(text)
        assert str(caught.value).startswith(f"--indicator {text}: ")

    def test_need_names_of_their_own(self) -> None:
        with pytest.raises(ParamError, match="the name 'vwap' is taken"):
            parse_indicator_options(["VWAP", "VWAP(anchor=4h)"])

    def test_are_evaluated_by_nobody(self) -> None:
        assert parse_indicator_option("a=K(x=__import__('os').getcwd)").params == {"x": "__import__('os').getcwd"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "run.yaml", "--out", ""), "--out: ''"),
        (("run", "run.yaml", "--out="), "--out: ''"),
        (("demo", "--out", " "), "--out: ' '"),
        (("compute", "a.csv", "--size", "", "--bars", "1m"), "--size: ''"),
        (("audit", "", "--feed", "CsvTape"), "''"),
        (("data", "list", "--catalog", ""), "--catalog: ''"),
    ],
)
def test_a_value_that_is_empty_is_not_taken_for_one_that_was_left_out(words: tuple[str, ...], says: str) -> None:
    done = tapeflow(*words)
    assert done.exit_code == 2
    assert f"{says} is no value; give one, or leave it out" in done.stderr
    assert done.stderr.count("\n") == 1


def test_compute_gives_what_the_definition_gives(trades: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = tapeflow(
        *("compute", trades, "--feed", "BinanceAggTrades", "--bars", "1m"),
        *("--indicator", "d=VolumeDelta", "--indicator", "VWAP(anchor=1d)", "--out", out),
    )
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    table = read_table(out)
    assert list(table)[:4] == ["open_time", "close_time", "d.delta", "d.percent"]
    delta: dict[int, float] = defaultdict(float)
    for seconds, _, quantity, maker in TRADES:
        delta[seconds // 60] += -quantity if maker else quantity
    assert table["d.delta"].tolist() == [delta[0], delta[1], delta[2]]
    paid = sum(price * quantity for _, price, quantity, _ in TRADES)
    assert table["vwap.vwap"][-1] == pytest.approx(paid / sum(t[2] for t in TRADES), rel=1e-12)
    assert np.diff(table["close_time"]).tolist() == [MINUTE, MINUTE]


def test_compute_leaves_klines_their_own_interval(klines: Path) -> None:
    done = tapeflow("compute", klines, "--feed", "BinanceKlines", "--indicator", "VolumeDelta", "--out", "-", "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    # Taker bought 2 of 3, then 1 of 3.
    assert [float(row["volume_delta.delta"]) for row in rows] == [1.0, -1.0]
    assert [int(row["close_time"]) - int(row["open_time"]) for row in rows] == [MINUTE, MINUTE]


def test_compute_refuses_a_parameter_before_it_reads(tmp_path: Path) -> None:
    told = error(
        *("compute", "none.csv", "--feed", "BinanceKlines", "--out", "-", "--indicator", "VWAP(anchr=1d)"),
    )
    assert told.startswith("tapeflow: --indicator vwap: VWAP: unknown parameter 'anchr', did you mean 'anchor'?")


def test_bars_and_their_levels_hold_the_same_volume(trades: Path, tmp_path: Path) -> None:
    bars, levels = tmp_path / "bars.parquet", tmp_path / "levels.parquet"
    done = tapeflow(
        *("bars", trades, "--feed", "BinanceAggTrades", "--bars", "1m", "--row-size", 1),
        *("--out", bars, "--levels", levels, "--json"),
    )
    told = json.loads(done.stdout)
    assert (told["bars"], told["spec"]) == (3, "1m")
    table, rows = read_table(bars), read_table(levels)
    assert list(rows) == ["open_time", "close_time", "price_tick", "price", "buy_volume", "sell_volume"]
    assert len(rows["price"]) == told["level_rows"]
    for i, close in enumerate(table["close_time"]):
        mine = rows["close_time"] == close
        assert rows["buy_volume"][mine].sum() == table["taker_buy_volume"][i]
        assert rows["sell_volume"][mine].sum() == table["taker_sell_volume"][i]
    assert dict(zip(rows["price"], rows["buy_volume"] - rows["sell_volume"], strict=True))[102.0] == -4.0


def test_every_format_holds_the_same_bars(trades: Path, tmp_path: Path) -> None:
    tables = []
    for ending in ("parquet", "csv", "json"):
        out = tmp_path / f"bars.{ending}"
        assert tapeflow("bars", trades, "--feed", "BinanceAggTrades", "--bars", "1m", "--out", out).exit_code == 0
        tables.append(read_table(out))
    for other in tables[1:]:
        assert list(other) == list(tables[0])
        for name, column in tables[0].items():
            np.testing.assert_array_equal(other[name].astype(column.dtype), column)


class TestTables:
    """Files are written whole or not at all."""

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "t.parquet"
        write_table({"x": np.array([1.0])}, path)
        with pytest.raises(ValueError, match="length"):
            write_table({"x": np.array([1.0]), "y": np.array([1.0, 2.0])}, path)
        assert read_table(path)["x"].tolist() == [1.0]
        assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]

    def test_numbers_come_back_bit_for_bit(self, tmp_path: Path) -> None:
        numbers = np.array([0.1, 1 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, np.nan, 123456789.123456789])
        whole = np.array([2**53 + 1, -1, 0, 1, 2, 3, 4, 5])
        for ending in ("parquet", "csv", "json"):
            write_table({"x": numbers, "n": whole}, tmp_path / f"t.{ending}")
            back = read_table(tmp_path / f"t.{ending}")
            assert back["x"].view("i8").tolist() == numbers.view("i8").tolist()
            assert back["n"].tolist() == whole.tolist()

    def test_what_cannot_be_read_or_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "bad.parquet").write_text("no parquet")
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match=r"bad\.parquet: no readable parquet table"):
            read_table(tmp_path / "bad.parquet")
        with pytest.raises(DataError, match=r"none\.csv: no such file"):
            read_table(tmp_path / "none.csv")
        with pytest.raises(DataError, match="cannot be written"):
            write_table({"x": np.array([1.0])}, tmp_path / "file" / "t.csv")


class TestRun:
    """Running a config."""

    @pytest.fixture
    def config(self, tmp_path: Path, trades: Path, monkeypatch) -> Path:
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "tiny.yaml"
        path.write_text(
            f"data: {{b: {{feed: BinanceAggTrades, path: {trades.name}}}}}\n"
            "strategy: {kind: Rules, params: {long: {enter: close > 0}}}\n"
        )
        return path

    def test_prints_json_alone_and_counts_folders_up(self, config: Path) -> None:
        for name in ("tiny", "tiny-2"):
            done = tapeflow("run", config, "--no-report", "--json")
            assert (done.exit_code, done.stderr) == (0, "")
            made: dict[str, Any] = json.loads(done.stdout)
            assert (made["name"], made["bars"], made["folder"]) == ("tiny", 3, f"runs/{name}")
            assert json.loads(Path(made["folder"], "result.json").read_text())["bars"] == 3

    def test_tells_people_the_figures_and_where_they_lie(self, config: Path) -> None:
        done = tapeflow("run", config, "--no-report", "--out", "here", "--set", "broker.cash=5000")
        assert done.exit_code == 0
        assert "final value" in done.stdout
        assert done.stdout.splitlines()[-1] == "here"

    def test_tells_of_a_feed_without_files(self, config: Path) -> None:
        told = error("run", config, "--set", "data.b.path=none.zip")
        assert told.startswith("tapeflow: ")
        assert "none.zip" in told

    def test_an_undefined_figure_is_a_dash(self) -> None:
        assert figures({"sharpe": None, "trades": 1200, "win_rate": 0.5}) == [
            ("Sharpe ratio", "–", ""),
            ("win rate", "50.0%", ""),
            ("trades", "1,200", ""),
        ]

    def test_a_free_folder_is_the_first_that_is_not_there(self, tmp_path: Path) -> None:
        for name in ("a", "a-2"):
            (tmp_path / name).mkdir()
        assert free_folder(tmp_path, "a").name == "a-3"


def test_a_command_called_from_python_leaves_its_collector_of_garbage_alone() -> None:
    # Frozen, nothing that a run left would ever go: many in one process held gigabytes.
    before = gc.get_threshold(), gc.get_freeze_count()
    assert tapeflow("list", "feeds").exit_code == 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
