"""What reads a file that the feed which was asked cannot read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...core.errors import FormatError, TapeflowError
from .sniff import Sniffed, sniff


@contextmanager
def told_instead(paths: str | Path | Sequence[str | Path]) -> Iterator[None]:
    """Let an error about how a file is laid out say which feed reads it, with its parameters.

    Parameters
    ----------
    paths : path or sequence of paths
        The files that are read; of a pattern the error names the file.

    Examples
    --------
    >>> import tempfile
    >>> from tapeflow.feeds.binance import BinanceAggTrades
    >>> file = Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = file.write_text("ts,side,px,qty\\n1704067200000,buy,10.5,2\\n1704067201000,sell,10.4,1\\n")
    >>> with told_instead(file):
    ...     feed = BinanceAggTrades(file, market="spot")
    ...     bars = feed.bars("1m")
    Traceback (most recent call last):
    ...
    tapeflow.core.errors.FormatError: ...; it reads as {feed: CsvTape, columns: {time: ts, side: side, ...}}
    """
    try:
        yield
    except FormatError as err:
        given = [paths] if isinstance(paths, str | Path) else paths
        files = [path for path in (*map(Path, str(err).split(": ")), *map(Path, given)) if _is_file(path)]
        remedy = instead(files[0]) if files else ""
        raise FormatError(f"{err}{remedy and '; it reads as '}{remedy}") from None


def instead(path: Path) -> str:
    """The feed that reads a file, with the map of its columns, as one line of YAML; empty where none is known."""
    try:
        made = sniff(path)
    except (TapeflowError, OSError):
        return ""
    return _flow({"feed": made.feed, **_params(made)})


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # part of an error may be longer than a name can be
        return False


def _params(made: Sniffed) -> dict[str, Any]:
    """The feed's parameters; of a general one the map of all columns, whether it would guess them or not."""
    general = made.feed.startswith("Csv")
    found = {told.role: told.column for told in made.columns if told.role}
    named = general and len(set(found)) == sum(bool(told.role) for told in made.columns)
    columns = {"columns": found} if named and found and "columns" not in made.params else {}
    return {**columns, **made.params}


def _flow(value: dict[str, Any]) -> str:
    from yaml import safe_dump

    text: str = safe_dump(value, sort_keys=False, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.strip()
