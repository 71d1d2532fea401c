"""The base of all feeds: what a provider's class declares, and what it gets for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...core.errors import DataError, ParamError
from ...core.params import Rule, resolve
from ...core.plugins.registry import FEEDS
from ...core.progress import METER
from ...core.schema import BAR_COLUMNS
from ..csv_reader.files import InputFile, expand
from .actions import CorporateActions
from .identity import Identity

if TYPE_CHECKING:
    from ...core.bars import Bars


class Feed:
    """A named reader of one provider's files.

    A subclass is registered by its name, unless it says ``abstract = True`` of itself.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns with ``*`` are expanded. Empty for a feed that needs none.
    **params
        The feed's own parameters.

    Raises
    ------
    DataError
        If a file is missing, or there is none.
    ParamError
        If a parameter is unknown or out of bounds.
    """

    if TYPE_CHECKING:
        bars: Callable[..., Bars]
    abstract: ClassVar[bool] = True
    params: ClassVar[Mapping[str, Any]] = {}
    """Parameters and their defaults; those of the bases are inherited."""
    bounds: ClassVar[Mapping[str, Rule]] = {}
    """Legal values of parameters; inherited too."""
    gives: ClassVar[str] = ""
    """``tape`` or ``bars``."""
    needs_path: ClassVar[bool] = True
    has_levels: ClassVar[bool] = False
    """Whether its bars can have price rows."""
    may_have_classes: ClassVar[bool] = False
    """Whether its bars keep classes of trade size where its files do, which reading them tells."""
    knows_prices: ClassVar[bool] = True
    """False where a bar in which somebody traded may be without an open or a close, so that it cannot be traded."""
    rolls_over: ClassVar[bool] = False
    """Whether its bars go from one contract to the next, marked by `core.schema.ROLLS`."""
    made_of_feeds: ClassVar[bool] = False
    """Whether its files are those of other feeds, each of a market or contract of its own."""
    why_no_actions: ClassVar[str] = ""
    """Why splits and dividends cannot be told of it; empty where they can."""
    canonical: ClassVar[tuple[str, ...]] = tuple(BAR_COLUMNS)
    """The canonical columns that its bars can know."""

    named_as: ClassVar[str] = ""
    """Pattern of the provider's file names where they are its own: symbol and kind as groups."""

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for, by parameters and names of files; empty where nothing is."""
        if params.get("symbol") is None and cls.needs_path and not cls.made_of_feeds:
            try:
                Identity(cls.__name__, gives=cls.gives).names(paths, cls.named_as)
            except DataError as err:
                return str(err)
        return ""

    def identify(self) -> None:
        """Settle the parameters that files themselves tell, by as little reading as that takes."""

    def remarks(self) -> tuple[str, ...]:
        """What was taken from files or assumed, in words; whole once they have been read."""
        return ()

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones that bars have under ``params``."""
        return ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.params = {**_inherited(cls, "params"), **cls.__dict__.get("params", {})}
        cls.bounds = {**_inherited(cls, "bounds"), **cls.__dict__.get("bounds", {})}
        if not cls.__dict__.get("abstract", False):
            FEEDS.add(cls)

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        name = type(self).__name__
        self.p: dict[str, Any] = resolve(name, params, type(self).params, type(self).bounds)
        given: list[str | Path] = [paths] if isinstance(paths, str | Path) else list(paths)
        if given and not self.needs_path:
            raise DataError(f"{name}: reads no files (got path {given[0]})")
        if not given and self.needs_path:
            raise DataError(f"{name}: needs a path")
        self.paths: list[Path] = self._expand(given)
        if self.needs_path and not self.made_of_feeds and self.p.get("symbol") is None:
            Identity(name, gives=self.gives).names(self.paths, self.named_as)
        METER.expect(self.paths)
        self.files: list[InputFile] = []
        """What was read, with digests; filled by reading."""
        self.counts: dict[str, int] = {}
        """Rows by what became of them; filled by reading."""
        self.interval: int | None = None
        """Length of a kline in µs, once known."""
        self.exchange = ""
        """The venue that rows name, once known."""
        self.tick: float | None = None
        """The venue's price step, where known."""
        self.unread: dict[str, None] = {}
        """Columns of the files that were passed over; filled by reading, as far as files name them."""
        self.negative_prices = False
        """Whether its market may trade at 0 and below; set by who reads it."""
        self.lenient_units = False
        """Whether amounts in another unit are taken for unknown, not refused; set by a run, which may read none."""
        self.actions: CorporateActions | None = None
        """Splits and dividends that bars are adjusted for."""
        self.quarantine: Path | None = None
        """Where lines that cannot be read are written when ``bad_rows`` is ``quarantine``; None only counts them."""

    def adjust_for(self, actions: CorporateActions) -> None:
        """Let bars be adjusted for splits and dividends.

        Raises
        ------
        ParamError
            If this feed cannot.
        """
        if self.why_no_actions:
            raise ParamError(f"actions: {type(self).__name__} {self.why_no_actions}")
        self.actions = actions

    def _expand(self, paths: list[str | Path]) -> list[Path]:
        """The files that ``paths`` name."""
        return expand(paths)

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        if not self.paths:
            return type(self).__name__
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.paths[0]}{more}"


def _inherited(cls: type[Feed], name: str) -> dict[str, Any]:
    """What the bases of ``cls`` declare, the nearest last."""
    made: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        made |= base.__dict__.get(name, {})
    return made
