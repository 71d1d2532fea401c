"""The report of an audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.clock import iso
from .findings import RULE, Finding
from .klines import Difference


@dataclass(frozen=True)
class Report:
    """What an audit found.

    Parameters
    ----------
    source : str
        What was read.
    feed : str
        The feed's class.
    files : int
        Files.
    rows : int
        Lines that could be read.
    start, end : int
        First and last trade (of klines: first open and last close), epoch µs; −1 without any.
    findings : tuple of Finding
        Damage first.
    grade : str
        A, B, C, D or F, by `audit_findings.RULE`.
    refused : str
        The error that a run would end with; empty when it would read the files.
    quality : dict of str to int
        Bars of a run by quality bit; empty when it would be refused.
    bars : int
        Bars of that run.
    spec : str
        What one of them is.
    compared : int
        Klines that were held against the tape.
    differences : tuple of Difference
        Every figure that differed.
    fields : tuple of str
        The fields in which they were held against it.
    unchecked : tuple of str
        What could not be looked at, and why.
    unread : tuple of str
        Columns of the files that were not read.
    """

    source: str
    feed: str
    files: int
    rows: int
    start: int
    end: int
    findings: tuple[Finding, ...]
    grade: str
    refused: str = ""
    quality: dict[str, int] = field(default_factory=dict)
    bars: int = 0
    spec: str = ""
    compared: int = 0
    differences: tuple[Difference, ...] = ()
    fields: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def finding(self, kind: str) -> Finding | None:
        """The finding of one kind; None when there is none."""
        return next((f for f in self.findings if f.kind == kind), None)

    def json(self) -> dict[str, Any]:
        """Everything as plain types."""
        return {
            "source": self.source,
            "feed": self.feed,
            "grade": self.grade,
            "rule": RULE,
            "files": self.files,
            "rows": self.rows,
            "start": iso(self.start) if self.start >= 0 else None,
            "end": iso(self.end) if self.end >= 0 else None,
            "findings": [f.line() for f in self.findings],
            "refused": self.refused or None,
            "bars": {"spec": self.spec, "bars": self.bars, "quality": self.quality},
            "klines": {
                "compared": self.compared,
                "fields": list(self.fields),
                "differences": [d.line() for d in self.differences],
            },
            "unchecked": list(self.unchecked),
            "unread": list(self.unread),
        }
