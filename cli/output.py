"""A table of results on standard output or in a file, in the form that was asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..core.files.json_text import json_text
from .options import print_json, print_table

FORMATS = ("table", "json", "csv", "parquet")
_TIMES = ("open_time", "close_time")


def choose_format(form: str | None, out: str | None, *, as_json: bool) -> str:
    """The form of the output.

    Parameters
    ----------
    form : str or None
        What ``--format`` says.
    out : str or None
        A file, whose ending says the form; ``-`` or None for standard output.
    as_json : bool
        Whether JSON is asked for, for programs.

    Raises
    ------
    ParamError
        If both say something else, or a terminal would get parquet.
    DataError
        If the file's ending is no format.
    """
    from ..core.errors import ParamError
    from ..core.files.tables import check_format

    if out not in (None, "-"):
        check_format(out)
        own = Path(out).suffix[1:].lower()
        if form not in (None, own):
            raise ParamError(f"--format {form}: {out} is {own} by its ending; leave one of them out")
        return own
    if form == "parquet" and sys.stdout.isatty():
        raise ParamError("--format parquet: a terminal cannot show it; give --out FILE, or pipe it on")
    if form is None and out is None:
        form = "json" if as_json else "table" if sys.stdout.isatty() else "csv"
    return form or "csv"


def emit(columns: dict[str, Any], form: str, out: str | None, metadata: dict[str, str]) -> None:
    """Write or print columns of one length."""
    from ..core.files.tables import write_table
    from ..core.files.writing import telling

    if out not in (None, "-"):
        write_table(columns, out, metadata=metadata)
    elif form == "csv":
        write_table(columns, "-")
    elif form == "table":
        print_table(list(_cells(columns)), list(columns))
    else:
        with TemporaryDirectory(prefix="tapeflow-") as aside:
            path = Path(aside) / f"table.{form}"
            write_table(columns, path, metadata=metadata)
            with telling("standard output"):
                sys.stdout.buffer.write(path.read_bytes())
                sys.stdout.flush()


def emit_json(value: Any, out: str | None) -> None:
    """Write or print one JSON document; what is not finite is null."""
    from ..core.files.writing import replacing

    if out in (None, "-"):
        print_json(value)
        return
    with replacing(out) as made:
        made.write_text(json_text(value, default=str) + "\n", encoding="utf-8")


def _cells(columns: dict[str, Any]) -> Any:
    """Rows as people read them: times in ISO, numbers to ten digits, a dash for what is not known."""
    from ..core.clock import iso

    for row in zip(*columns.values(), strict=True):
        yield [iso(int(v)) if name in _TIMES else _shown(v) for name, v in zip(columns, row, strict=True)]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}" if value == value else "–"
    return str(value)
