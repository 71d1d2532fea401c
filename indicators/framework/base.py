"""The base of every indicator: class data, three ways of writing one, and one way of running it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars, Levels
from ...core.errors import ParamError
from ...core.params import Rule, With, plain_values, resolve
from ...core.plugins.registry import FEEDS, INDICATORS
from .cerebro_host import through_cerebro
from .inputs import LEVELS, ColumnSource, Input, columns_of, counted_in, missing
from .measure import UNTOLD, Line
from .meta import IndicatorMeta
from .runs import Run, VecRun, bind, rows
from .sizing import disagrees, levels_of_size, of_size, with_classes
from .step_loop import drive, untraded

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Indicator", "Line"]

Floats = NDArray[np.float64]


class Indicator(bt.Indicator, metaclass=IndicatorMeta):
    """A function of feed columns that gives lines, the same bar by bar and over whole arrays.

    A subclass says everything as class data and writes its math in one of these ways:

    - ``step``, a kernel compiled by `core.kernels.step` (or `levels_step` when ``inputs`` has
      ``"levels"``): it is shown one bar and its own state, so it cannot look ahead. Recommended.
    - ``vec(self, *columns)``: arrays in, a tuple of arrays out, one value a bar. It must not look
      ahead, and a value may depend on the last ``lookback()`` bars only.
    - ``next``, or line arithmetic in ``__init__``: plain backtrader.

    Subclasses register themselves under their class name.

    Attributes
    ----------
    lines : tuple of str
        Lines under the default parameters, main line first.
    params : dict
        Defaults.
    bounds : dict of str to Rule
        Legal values; without one the default's type is the rule.
    inputs : tuple
        What is read: columns of ``self.data``, ``"levels"`` for its price rows, a whole number k for
        ``self.datas[k].lines[0]``, or a `Derived` such as `Session`. The kernel's ``x`` has them in this
        order, without the levels.
    measures : dict of str to Line
        What each line is; ``upper`` also stands for ``upper1``, ``upper2``, …
    remedies : dict of str to str
        What would help where an input is missing.
    nan_policy : str
        ``skip``: a bar with a NaN input gives NaN and leaves the state alone; ``pass``: the kernel gets it.
    presets : tuple of dict
        Further parametrisations that the laws are run on.
    price_scale : float
        By how much the law of units raises prices; 10 for what rounds to a decimal grid.
    line_params : tuple of str
        Parameters that say what to read: a column, or a line of another indicator of the run as ``name.line``.
    param_units : dict of str to (int, int)
        Parameters that are prices or sizes, with their exponents.
    reads : tuple of str
        Files beside the class's source that it reads by other means than Python's ``open``; run.lock has their digests.
    sized : bool
        Whether it has the parameter ``size`` too, which has it read the columns of some classes of trade size.
    no_size : str
        Why a measure of flow that is not ``sized`` takes no size, and what to ask for instead.
    above_0 : bool
        Whether it goes by logs or shares of prices, which mean nothing where prices may be 0 and below.
    mirror : str
        What the law of mirrors turns round: ``sides`` lets buys and sells trade places, ``book`` turns prices
        upside down with them, for what tells up from down.

    Raises
    ------
    ParamError
        If a parameter is unknown or out of bounds.
    InputError
        If the feed does not carry an input.

    Examples
    --------
    >>> from tapeflow.core.kernels import step
    >>> @step
    ... def spread(p, x, s, y):
    ...     y[0] = x[0] - x[1]
    >>> class _Range(Indicator):
    ...     lines = ("range",)
    ...     inputs = ("high", "low")
    ...     measures = {"range": Line("high less low", price=1, overlay=False)}
    ...     step = spread
    >>> from tapeflow.core.samples import sample_bars
    >>> _Range.over(sample_bars(3))["range"].tolist()
    [16.0, 5.5, 12.5]
    """

    kind: ClassVar[str]
    inputs: ClassVar[tuple[Input, ...]] = ()
    bounds: ClassVar[dict[str, Rule]] = {}
    measures: ClassVar[dict[str, Line]] = {}
    remedies: ClassVar[dict[str, str]] = {}
    presets: ClassVar[tuple[dict[str, Any], ...]] = ()
    nan_policy: ClassVar[str] = "skip"
    price_scale: ClassVar[float] = 3.0
    line_params: ClassVar[tuple[str, ...]] = ()
    only_with: ClassVar[dict[str, With]] = {}
    param_units: ClassVar[dict[str, tuple[int, int]]] = {}
    above_0: ClassVar[bool] = False
    mirror: ClassVar[str] = "sides"
    sized: ClassVar[bool] = False
    no_size: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ()
    step: ClassVar[Any] = None
    vec: ClassVar[Any] = None
    inner: ClassVar[Any] = None
    """Where a subclass adds lines in backtrader's way: the parent that gives the others."""

    # What an author may say besides class data; all are asked with checked, complete parameters.

    @classmethod
    def line_names(cls, **params: Any) -> tuple[str, ...]:
        """The lines this parametrisation has."""
        return tuple(cls.lines._getlines())

    @classmethod
    def line_measures(cls, **params: Any) -> dict[str, Line]:
        """What each line of this parametrisation is."""
        full = cls.resolve(params)
        stems = {name: name.rstrip("0123456789") for name in cls.line_names(**full)}
        return {name: cls.measures.get(name) or cls.measures.get(stem, UNTOLD) for name, stem in stems.items()}

    @classmethod
    def inner_params(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of ``params`` that the parent inside knows."""
        return {k: v for k, v in params.items() if k in cls.inner.defaults()}

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """Empty, or what is wrong with parameters that are each legal but do not go together."""
        return ""

    @classmethod
    def idle(cls, params: Mapping[str, Any]) -> dict[str, str]:
        """Parameters that count for nothing beside the others, and why."""
        return {name: str(other) for name, other in cls.only_with.items() if not other.holds(params)}

    @classmethod
    def remarks(cls, bars: Bars, **params: Any) -> Iterator[str]:
        """What who asked for these parameters of these bars should know: what was set and changes nothing."""
        full, own = cls.resolve(params), cls.defaults()
        for name, why in cls.idle(full).items():
            if full[name] != own[name]:
                yield f"{name} changes nothing {why}"

    @classmethod
    def disagreement(cls, params: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, str]:
        """What parameters say of the data that the keys of its block in the YAML deny, by parameter."""
        named = block.get("feed")
        feed: Any = FEEDS.get(named) if cls.sized and isinstance(named, str) else None
        return {} if feed is None else disagrees(params, block, feed.gives, rows=LEVELS in cls.inputs)

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """The parameters once it is known what the feed carries: where ``auto`` is decided."""
        return params

    @classmethod
    def resolved_over(
        cls, params: dict[str, Any], carries: Callable[[str], bool], known: Iterable[str], feed: str, hours: str = ""
    ) -> dict[str, Any]:
        """`resolve_auto` for bars whose columns are ``known``, with the classes of size that are asked for.

        Days are those of ``hours``, the feed's trading hours, unless a zone is said.
        """
        made = counted_in(hours, cls.resolve_auto(params, carries), cls.complaint)
        return with_classes(cls.kind, made, known, feed) if cls.sized else made

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """What resolved parameters read."""
        return of_size(cls.inputs, params) if cls.sized else cls.inputs

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The bar, counted from 1, that has the first value."""
        return 1

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """What the kernel gets as ``p``: numeric parameters in declaration order."""
        return tuple(float(params[k]) for k in cls.defaults() if isinstance(params[k], int | float))

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """Numbers of state the kernel keeps."""
        return 0

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """Write what the state begins with, where that is not zero."""

    @classmethod
    def levels_of(cls, bars: Bars, **params: Any) -> Levels:
        """The price rows the kernel is shown."""
        if bars.levels is None:
            raise missing(cls.kind, LEVELS, bars.source or "bars", bars.columns, cls.remedies.get(LEVELS, ""))
        return levels_of_size(cls.kind, bars.levels, params, bars.source or "bars") if cls.sized else bars.levels

    @classmethod
    def levels_state(cls, levels: Levels, **params: Any) -> Floats:
        """The first state of a kernel that reads ``levels``: their size may decide on its size, on no value.

        What traded at them is not known here, and reads as NaN: it is of the future.
        """
        return cls.first_state(**params)

    def lookback(self) -> int | None:
        """Bars that one value of ``vec`` depends on; None for all."""
        return self.warmup(**self.resolved)

    @classmethod
    def run_with(cls, made: Any, fed: list[Any]) -> Run:
        """What runs ``vec`` under backtrader."""
        return VecRun(made, fed)

    # What everybody may ask.

    @classmethod
    def level(cls) -> str:
        """How the math is written: ``step``, ``vec``, ``next`` or ``lines``."""
        if cls.step is not None:
            return "step"
        if cls.vec is not None:
            return "vec"
        return "lines" if cls.next is Indicator.next else "next"

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Every parameter that YAML can hold, with its default."""
        return plain_values(dict(cls.params._getitems()))

    @classmethod
    def resolve(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """``params`` over the defaults, checked.

        Raises
        ------
        ParamError
            Naming the indicator, the parameter and what is allowed.
        """
        if cls.no_size and "size" in params:
            raise ParamError(f"{cls.kind} takes no size: {cls.no_size}")
        full = resolve(cls.kind, params, cls.defaults(), cls.bounds)
        if wrong := cls.complaint(full):
            raise ParamError(f"{cls.kind}: {wrong}")
        return full

    @classmethod
    def first_state(cls, **params: Any) -> Floats:
        """The state before the first bar."""
        state = np.zeros(max(1, cls.state_size(**params)))
        cls.init_state(state, **params)
        return state

    @classmethod
    def check_inputs(
        cls, params: Mapping[str, Any], carries: Callable[[str], bool], feed: str, known: tuple[str, ...]
    ) -> None:
        """Refuse a feed that lacks a column that resolved ``params`` read."""
        for column in columns_of(cls.input_names(**params)):
            if not carries(column):
                raise missing(cls.kind, column, feed, known, cls.remedies.get(column, ""))

    @classmethod
    def over(cls, bars: Bars | pd.DataFrame | pd.Series[Any], **params: Any) -> pd.DataFrame:
        """The lines over ``bars``, without a backtest.

        Parameters
        ----------
        bars : Bars, DataFrame or Series
            Bars; a frame with canonical columns, indexed by right edges; or, for an indicator that
            reads one line, a series.
        **params
            The indicator's parameters.

        Returns
        -------
        DataFrame
            One column a line, one row a bar, indexed by close time in UTC; NaN in the warm-up.
        """
        import pandas as pd

        source = ColumnSource(bars)
        names = cls.line_names(**cls.resolve(params))
        return pd.DataFrame(cls.table(source, **params).T, index=source.index(), columns=list(names), copy=False)

    @classmethod
    def table(cls, bars: ColumnSource | Bars | pd.DataFrame | pd.Series[Any], **params: Any) -> Floats:
        """The same as an array, (lines, bars)."""
        source = bars if isinstance(bars, ColumnSource) else ColumnSource(bars)
        full = cls.resolve(params)
        if cls.level() in ("next", "lines"):
            return through_cerebro(cls, source.bars(), full)
        if len(source) == 0:
            return np.full((len(cls.line_names(**full)), 0), np.nan)
        resolved = cls.resolved_over(full, source.carries, source.names(), source.name, source.hours)
        source.stand_for(columns_of(cls.input_names(**resolved)))
        cls.check_inputs(resolved, source.carries, source.name, tuple(source.names()))
        columns = [_column(source, key, resolved) for key in cls.input_names(**resolved) if key != LEVELS]
        made = (
            cls._step_table(source, resolved, columns) if cls.level() == "step" else cls._vec_table(resolved, columns)
        )
        made[:, : cls.warmup(**resolved) - 1] = np.nan
        return made

    @classmethod
    def _step_table(cls, source: ColumnSource, params: dict[str, Any], columns: list[NDArray[Any]]) -> Floats:
        levels = cls.levels_of(source.bars(), **params) if LEVELS in cls.inputs else None
        state = cls.first_state(**params) if levels is None else cls.levels_state(untraded(levels), **params)
        width = len(cls.line_names(**params))
        skip = cls.nan_policy == "skip"
        return drive(cls.step, cls.constants(params), columns, state, width, len(source), skip=skip, levels=levels)

    @classmethod
    def _vec_table(cls, params: dict[str, Any], columns: list[NDArray[Any]]) -> Floats:
        bare = cls.__new__(cls)
        bare.p = bare.params = type("Params", (), params)
        bare.resolved = params
        return rows(bare.vec(*(np.ascontiguousarray(c, dtype=np.float64) for c in columns)))

    @classmethod
    def constants(cls, params: Mapping[str, Any]) -> Floats:
        """`numbers` as the array a kernel takes, never empty."""
        return np.array(cls.numbers(params) or (0.0,), dtype=np.float64)

    # How backtrader runs it.

    def _bind(self) -> None:
        """Check and tie the inputs; called before ``__init__``."""
        self._run: Run = bind(self)
        if self.inner is not None:
            # Held by an attribute, and before the author's __init__: what he makes of its lines is computed after it.
            self.parent = self.inner(*self.datas, **self.inner_params(self.resolved))
            for name in self.parent.lines.getlinealiases():
                setattr(self.lines, name, getattr(self.parent.lines, name))

    def preonce(self, start: int, end: int) -> None:
        """Nothing: `once` fills whole lines."""

    def oncestart(self, start: int, end: int) -> None:
        """Nothing: `once` fills whole lines."""

    def once(self, start: int, end: int) -> None:
        """Fill the lines from the first bar to the last."""
        self._run.once()

    def prenext(self) -> None:
        """Show the kernel a bar of the warm-up."""
        self._run.tick(emit=False)

    def next(self) -> None:
        """Compute the current bar; asked again for the same bar, compute it anew."""
        self._run.tick(emit=True)


def _column(source: ColumnSource, key: Input, params: Mapping[str, Any]) -> NDArray[Any]:
    if isinstance(key, str | int):
        return source.column(key)
    return key.array(params, *(source.column(name) for name in key.needs))


def adopted(plain: Any) -> Any:
    """A plain backtrader indicator as one of ours: of the same name, lines and parameters; None for anything else."""
    if not isinstance(plain, bt.indicator.MetaIndicator) or isinstance(plain, IndicatorMeta):
        return None
    return joined(plain, plain.__name__, __module__=plain.__module__, __qualname__=plain.__qualname__)


def joined(plain: Any, name: str, **body: Any) -> Any:
    """A class called ``name`` that is ``plain`` and one of ours."""
    own: Any = type(plain)
    meta: Any = IndicatorMeta if issubclass(IndicatorMeta, own) else _both(own)
    # backtrader keeps a list of its moving averages, in which each stands once
    return meta(name, (plain, Indicator), {"__doc__": plain.__doc__, "_notregister": True, **body})


@cache
def _both(own: Any) -> Any:
    """A metaclass for what has one of its own, as backtrader's moving averages have."""
    return type(f"{own.__name__}Too", (IndicatorMeta, own), {})


INDICATORS.adopt_with(adopted)
