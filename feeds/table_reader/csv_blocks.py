"""Text in blocks of whole lines, each parsed by Arrow from memory.

Arrow's own reader of a stream reads ahead in a thread that comes back to Python whenever it likes, and ends the process
where Python is shutting down by then. Nothing here outlives the call that it serves: a block is copied into memory of
Arrow's, of which no thread needs Python to let go.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from .sheet import Reading

BLOCK = 1 << 20
"""Bytes of text that are parsed at a time."""
LONGEST = 1 << 20
"""Bytes of a line, at most."""


class Block(NamedTuple):
    """The rows of some lines.

    Parameters
    ----------
    cells : list of pyarrow.Array
        A column of text each.
    odd : list of (int, InvalidRow)
        Rows with another number of cells, by their number in the block, from 1 on.
    rows : int
        All rows, odd ones among them.
    """

    cells: list[Any]
    odd: list[tuple[int, Any]]
    rows: int

    @property
    def is_open(self) -> bool:
        """Whether its last row ends within quotes, so that it may go on behind the block."""
        if self.odd and self.odd[-1][0] == self.rows:
            return bool(self.odd[-1][1].text.count('"') % 2)
        return self.rows > 0 and bool(self.cells[-1][-1].as_py().endswith("\n"))


NOTHING = Block([], [], 0)


def whole_lines(text: io.RawIOBase) -> Iterator[bytes]:
    """A text in blocks that end with a line.

    Raises
    ------
    ValueError
        If a line is longer than `LONGEST`.

    Examples
    --------
    >>> list(whole_lines(io.BytesIO(b"a,b" + bytes([10]) + b"c")))
    [b'a,b\\n', b'c']
    """
    read, rest = io.BufferedReader(text, BLOCK).read, b""
    while chunk := read(BLOCK):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join((rest, memoryview(chunk)[:end]))
            rest = chunk[end:]
        else:
            rest += chunk
        if len(rest) > LONGEST:
            raise ValueError(f"does not end within {LONGEST >> 20} MiB; is it a table?")
    if rest:
        yield rest


def parse_block(text: bytes, columns: list[str], how: Reading) -> Block:
    """The rows of a block of lines, their cells as text.

    Raises
    ------
    pyarrow.ArrowInvalid
        If it is no CSV.
    """
    import pyarrow as pa
    import pyarrow.csv as csv

    odd: list[tuple[int, Any]] = []

    def set_aside(row: Any) -> str:
        odd.append((row.number, row))
        return "skip"

    held = pa.allocate_buffer(len(text))
    memoryview(held).cast("B")[:] = text
    made = csv.read_csv(
        pa.BufferReader(held),
        read_options=csv.ReadOptions(use_threads=False, column_names=columns, block_size=len(text)),
        parse_options=csv.ParseOptions(
            delimiter=how.delimiter, invalid_row_handler=set_aside, ignore_empty_lines=False
        ),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
    )
    return Block([column.combine_chunks() for column in made.columns], odd, made.num_rows + len(odd))
