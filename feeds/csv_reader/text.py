"""Text of a file in pieces of whole lines, in buffers that are used again and again."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from ...core.errors import DataError
from .cells import PADDING
from .files import FileReader, ahead

PIECE = 1 << 20
"""Bytes in one piece: fewer would stay in a nearer cache, but what is done once a piece would be done more often."""
LONGEST = 1 << 24
"""Bytes of a line, at most."""


@dataclass(frozen=True, eq=False)
class Text:
    """Some whole lines, with `PADDING` before and behind them.

    Parameters
    ----------
    buffer : bytearray
        What they stand in; it is used again for the next piece but one.
    start, end : int
        From where to where.
    """

    buffer: bytearray
    start: int
    end: int


def whole_lines(source: FileReader) -> Iterator[Text]:
    """The text of a file in pieces of whole lines, the next one inflated while the caller works on this one.

    A piece holds until the next one is asked for. A newline is added where the last one is missing.

    Raises
    ------
    DataError
        As for `FileReader.opened`, or if a line is longer than `LONGEST`.
    """
    return ahead(_pieces(source)) if source.packed else _pieces(source)


def _pieces(source: FileReader) -> Generator[Text, None, None]:
    start, buffers, rest = len(PADDING), [_room(PIECE), _room(PIECE)], b""
    with source.opened() as text:
        while True:
            if 2 * len(rest) > len(buffers[0]) - 2 * len(PADDING):
                buffers[0] = _room(4 * len(rest))
            buffer, at = buffers[0], start + len(rest)
            buffer[start:at] = rest
            end = at + text.readinto(memoryview(buffer)[at : len(buffer) - len(PADDING)])
            if end == at:
                break
            cut = buffer.rfind(b"\n", at, end) + 1
            rest = bytes(buffer[cut or start : end])
            if cut:
                yield _padded(buffer, start, cut)
                buffers.reverse()
            elif len(rest) >= LONGEST:
                raise DataError(f"{source.path}: a line does not end within {LONGEST >> 20} MiB; is it a CSV?")
    if rest:
        buffer[at] = ord("\n")
        yield _padded(buffer, start, at + 1)


def _room(size: int) -> bytearray:
    return bytearray(len(PADDING) + size + len(PADDING))


def _padded(buffer: bytearray, start: int, end: int) -> Text:
    buffer[end : end + len(PADDING)] = PADDING
    return Text(buffer, start, end)
