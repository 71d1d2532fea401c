"""Files: found, inflated, digested; and every way in which one can be broken."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tapeflow.configs.loader import load_config
from tapeflow.core.errors import ConfigError, DataError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.feeds.csv_reader.cells import PADDING
from tapeflow.feeds.csv_reader.files import FileReader, expand
from tapeflow.feeds.csv_reader.text import whole_lines

TEXT = b"".join(b"%d,%d\n" % (i, i * i) for i in range(100_000))


def text_of(path):
    return b"".join(FileReader(path).chunks())


def zipped(path, text=TEXT, name="a.csv", method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, text)
    return path


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    (folder / "a.csv").write_bytes(TEXT)
    (folder / "a.csv.gz").write_bytes(gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]))
    zipped(folder / "a.zip")
    zipped(folder / "stored.zip", method=zipfile.ZIP_STORED)
    return folder


@pytest.fixture
def made(packed, tmp_path):
    return Path(shutil.copytree(packed, tmp_path / "made"))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip", "stored.zip"])
def test_text_and_digest_are_those_of_the_file(made, name):
    source = FileReader(made / name)
    chunks = list(source.chunks())
    assert b"".join(chunks) == TEXT
    assert max(map(len, chunks)) <= 1 << 20
    digest = source.digest()
    assert digest.sha256 == hashlib.sha256((made / name).read_bytes()).hexdigest()
    assert (digest.path, digest.bytes) == (made / name, (made / name).stat().st_size)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip"])
def test_digest_covers_a_file_whose_text_was_left_half_read(made, name):
    source = FileReader(made / name)
    next(iter(source.chunks()))
    assert source.digest().sha256 == hashlib.sha256((made / name).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip", "stored.zip"])
def test_text_comes_in_whole_lines_between_padding_from_two_buffers(made, name, monkeypatch):
    monkeypatch.setattr("tapeflow.feeds.csv_reader.text.PIECE", 1 << 14)
    whole, buffers = b"", {}
    for text in whole_lines(FileReader(made / name)):
        piece = bytes(text.buffer[text.start : text.end])
        assert piece.endswith(b"\n")
        assert bytes(text.buffer[text.end : text.end + len(PADDING)]) == PADDING
        assert bytes(text.buffer[: text.start]) == PADDING
        whole += piece
        buffers[id(text.buffer)] = text.buffer
    assert whole == TEXT
    assert len(buffers) == 2


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip"])
def test_a_checksum_is_compared_though_only_the_first_lines_are_wanted(made, name):
    found = hashlib.sha256((made / name).read_bytes()).hexdigest()
    (made / f"{name}.CHECKSUM").write_text(f"{found}  {name}\n")
    source = FileReader(made / name)
    next(whole_lines(source))
    assert source.digest().known == found
    (made / f"{name}.CHECKSUM").write_text(f"{'0' * 64}  {name}\n")
    source = FileReader(made / name)
    next(whole_lines(source))
    with pytest.raises(DataError, match="its CHECKSUM file wants"):
        source.digest()


def test_a_file_that_changed_since_it_was_read_has_no_digest(made):
    source = FileReader(made / "a.zip")
    list(source.chunks())
    read = source.digest()
    (made / "a.zip").write_bytes(b"another one")
    with pytest.raises(DataError, match="changed since it was read"):
        _ = read.sha256


def test_a_member_that_says_another_checksum_is_damaged(tmp_path):
    data = bytearray(zipped(tmp_path / "a.zip").read_bytes())
    at = data.rfind(b"PK\x01\x02") + 16
    data[at] ^= 1
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match="is damaged"):
        text_of(tmp_path / "a.zip")


def test_a_well_packed_file_is_inflated_in_small_pieces(tmp_path):
    zipped(tmp_path / "zeros.zip", b"0" * 50_000_000)
    sizes = [len(c) for c in FileReader(tmp_path / "zeros.zip").chunks()]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 1 << 20


def test_a_right_checksum_is_silent(made):
    digest = hashlib.sha256((made / "a.zip").read_bytes()).hexdigest()
    (made / "a.zip.CHECKSUM").write_text(f"{digest}  some-other-name.zip\n")
    assert text_of(made / "a.zip") == TEXT


def test_a_wrong_checksum_names_file_and_both_digests(made):
    found = hashlib.sha256((made / "a.zip").read_bytes()).hexdigest()
    (made / "a.zip.CHECKSUM").write_text(f"{'0' * 64}  a.zip\n")
    with pytest.raises(DataError, match=rf"a\.zip: sha256 is {found}, its CHECKSUM file wants {'0' * 64}"):
        text_of(made / "a.zip")


def test_a_checksum_file_of_several_lines_goes_by_name(made):
    found = hashlib.sha256((made / "a.csv").read_bytes()).hexdigest()
    (made / "a.csv.CHECKSUM").write_text(f"{'0' * 64}  b.csv\n{found} *a.csv\n")
    assert text_of(made / "a.csv") == TEXT


def test_a_checksum_file_without_a_digest_is_an_error(made):
    (made / "a.csv.CHECKSUM").write_text("nothing here\n")
    with pytest.raises(DataError, match=r"a\.csv\.CHECKSUM: holds no sha256 of a\.csv"):
        text_of(made / "a.csv")


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz", "stored.zip"])
@pytest.mark.parametrize("seed", range(12))
def test_no_damage_goes_unseen(made, name, seed):
    path, chance = made / name, np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    start = 12 if name == "a.csv.gz" else 40
    data[int(chance.integers(start, len(data) - 200))] ^= 1 << int(chance.integers(8))
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        text_of(path)


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz"])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
def test_a_cut_file_is_an_error_of_one_line(made, name, share):
    data = (made / name).read_bytes()
    (made / name).write_bytes(data[: max(1, int(len(data) * share))])
    with pytest.raises(DataError) as err:
        text_of(made / name)
    assert str(made / name) in str(err.value)
    assert "\n" not in str(err.value)


@pytest.mark.parametrize("name", ["a.csv", "a.zip", "a.csv.gz", "a.json"])
def test_an_empty_file_says_so(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"is empty"):
        FileReader(tmp_path / name)


def test_a_zip_holds_one_csv(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "1")
        archive.writestr("b.csv", "2")
    with pytest.raises(DataError, match="holds 2 CSV files"):
        FileReader(tmp_path / "two.zip")


def test_other_kinds_of_files_are_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("x")
    with pytest.raises(DataError, match=r"is no \.zip, \.csv or \.json, or one of these with \.gz or \.zst"):
        FileReader(tmp_path / "a.parquet")


def test_patterns_leave_checksums_and_quarantine_out(made):
    (made / "a.csv.CHECKSUM").touch()
    (made / "run.quarantine.csv").write_text("x")
    assert expand([made / "a.*"]) == [made / "a.csv", made / "a.csv.gz", made / "a.zip"]
    assert expand([made / "a.csv", str(made / "a.csv*")]) == [made / "a.csv", made / "a.csv.gz"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("none.csv", "no such file"), ("none*.csv", "no file matches the pattern"), ("", "is a folder")],
)
def test_paths_that_lead_nowhere(made, name, complaint):
    with pytest.raises(DataError, match=complaint):
        expand([made / name])


def test_a_text_is_digested_only_when_somebody_asks_and_only_as_it_was_read(made):
    source = FileReader(made / "a.csv")
    assert b"".join(source.chunks()) == TEXT
    read = source.digest()
    assert read.known == ""
    assert read.sha256 == hashlib.sha256(TEXT).hexdigest()
    again = FileReader(made / "a.csv").digest()
    (made / "a.csv").write_bytes(TEXT + b"1,1\n")
    with pytest.raises(DataError, match=r"a\.csv: changed since it was read"):
        _ = again.sha256


def test_two_million_empty_lines_are_one_line_of_complaint(tmp_path: Path) -> None:
    head = "time,open,high,low,close,volume\n"
    for name, text in {"a.csv": "", "b.csv": head}.items():
        (tmp_path / name).write_text(text + "\n" * 2_000_000)
        with pytest.raises(DataError, match=f"{name}: more than 30,000 lines in a row are empty"):
            FEEDS.find("CsvBars")([tmp_path / name]).bars()


def test_a_pipe_is_refused_as_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path, what in ((tmp_path / "pipe.csv", "a pipe or a device"), ("-", "standard input")):
        with pytest.raises(DataError, match=f"is {what}, and files are read more than once"):
            expand([path])


def test_a_yaml_of_millions_of_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("\n" * 60_000)
    with pytest.raises(ConfigError, match=r"a.yaml: has more than 50,000 lines"):
        load_config(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("\n" * 2_000_000)
    with pytest.raises(ConfigError, match=r"a.yaml: is larger than 1 MiB"):
        load_config(tmp_path / "a.yaml")


def test_columns_of_other_things_than_numbers_are_named(tmp_path: Path) -> None:
    good = {"time": [1_700_000_000_000], "price": [1.0], "quantity": [1.0], "side": ["buy"]}
    days = date(2024, 1, 1), datetime(2024, 1, 1)
    odd = [("price", value) for value in (time(0), timedelta(1), *days)] + [("side", time(0)), ("quantity", days[0])]
    odd += [(name, value) for value in ({"a": 1}, [1.0], b"\xff\x00", True) for name in ("price", "time")]
    for name, value in odd:
        pq.write_table(pa.table({**good, name: [value]}), tmp_path / "odd.parquet")
        with pytest.raises(DataError, match=f"odd.parquet: column {name} holds .* one number or text is wanted"):
            list(FEEDS.find("CsvTape")([tmp_path / "odd.parquet"]).tapes())


def test_columns_of_half_precision_mean_the_decimals_they_were_written_as(tmp_path: Path) -> None:
    written = [100.1, 0.1, 99.9, 1e-05]
    halves = pa.array(np.array(written, np.float16))
    table = pa.table({"time": list(range(1_700_000_000_000, 1_700_000_000_004)), "price": halves, "quantity": halves})
    pq.write_table(table, tmp_path / "half.parquet")
    (tape,) = FEEDS.find("CsvTape")([tmp_path / "half.parquet"]).tapes()
    assert tape.price.tolist() == written
    assert tape.quantity.tolist() == written
