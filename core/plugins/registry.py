"""Plugins: classes found by name because they subclass a base, with nothing to register by hand.

Found in this order: our own folder, installed packages with an entry point in the group
``tapeflow.plugins`` (each names a module to import), and the ``plugins:`` of a run's YAML.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ..errors import PluginError, nearest, unknown
from ..synonyms import meant
from .local_files import ASKED, give_up_changed, is_past, local_name, place_of, remember

GROUP = "tapeflow.plugins"
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a class's name falls into words."""
_loaded: set[str] = set()
_forbidden = False
_plugins: list[Any] = []
"""Modules that were loaded as plugins."""


class Registry(Mapping[str, type]):
    """Classes of one kind by name; read-only from outside.

    Parameters
    ----------
    what : str
        The kind, as errors name it: ``indicator``, ``strategy``, ``feed``.
    package : str
        Our own package whose modules are imported before the first look-up.
    """

    def __init__(self, what: str, package: str) -> None:
        self.what = what
        self.package = package
        self._classes: dict[str, type] = {}
        self._made: dict[tuple[str, str], type] = {}
        """By module and name, for runs in turn whose plugins have classes of one name."""
        self._twice: dict[str, tuple[str, str]] = {}
        """Names that two files of the run at hand have, and which."""
        self._families: dict[str, Callable[[str], type]] = {}
        self._sought: set[str] = set()
        self._adopts: Callable[[type], type | None] = lambda cls: None

    def add(self, cls: type) -> None:
        """Take ``cls`` in. Classes named with an underscore or made inside a function stay out.

        Raises
        ------
        PluginError
            If another module already has a class of this name.
        """
        name = cls.__name__
        if name.startswith("_") or "<locals>" in cls.__qualname__:
            return
        known = self._classes.get(name)
        if known is not None and known.__module__ != cls.__module__ and not is_past(known):
            raise PluginError(self._said_twice(name, known.__module__, cls.__module__))
        self._classes[name] = self._made[cls.__module__, name] = cls

    def _said_twice(self, name: str, one: str, other: str) -> str:
        return f"{self.what} '{name}' stands twice: in {place_of(one)} and in {place_of(other)}; rename one"

    def add_family(self, prefix: str, make: Callable[[str], type]) -> None:
        """Let ``make(rest)`` answer every name ``prefix.rest``; it raises KeyError for one it does not know."""
        self._families[prefix] = make

    def adopt_with(self, make: Callable[[type], type | None]) -> None:
        """Let ``make`` turn a class of a plugin's that is none of ours into one; it gives None for what it cannot."""
        self._adopts = make

    def adopt_from(self, module: Any) -> None:
        """Take in what ``module`` defines and is to be adopted."""
        for cls in _classes_of(module):
            known = self._classes.get(cls.__name__)
            if known is None or is_past(known):
                self._adopts(cls)
            elif known.__module__ != module.__name__ and known.__module__ in ASKED:
                try:
                    self._adopts(cls)
                except PluginError:  # it is of this kind: said where somebody asks for the name
                    self._twice[cls.__name__] = known.__module__, module.__name__

    def take_again(self, module: str) -> None:
        """Let names mean the classes of a module that was loaded before."""
        for (where, name), cls in self._made.items():
            known = self._classes.get(name)
            if where != module:
                continue
            if known is None or is_past(known):
                self._classes[name] = cls
            elif known.__module__ in ASKED and known.__module__ != module:
                self._twice[name] = known.__module__, module

    def begin_run(self) -> None:
        """Forget which names the files of the run before had twice."""
        self._twice.clear()

    def forget(self, module: str) -> None:
        """Give up the classes of a module that is to be loaded anew."""
        for where, name in [key for key in self._made if key[0] == module]:
            del self._made[where, name]
            if name in self._classes and self._classes[name].__module__ == module:
                del self._classes[name]

    def families(self) -> dict[str, tuple[str, ...]]:
        """The prefixes that `add_family` was given, each with the full names it answers."""
        discover()
        return {prefix: _members(make) for prefix, make in sorted(self._families.items())}

    def import_own(self) -> None:
        """Import our own folder of this kind, once a process."""
        if self.package not in _loaded:
            _loaded.add(self.package)
            package = importlib.import_module(self.package)
            for info in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.package}.{info.name}")

    def _import_near(self, name: str) -> None:
        """Import the module of ours that a class called ``name``, or a family, lies in; once a name."""
        if name in self._sought:
            return
        self._sought.add(name)
        stem = _WORDS.sub("_", name.partition(".")[0]).lower()
        if stem.isidentifier() and importlib.util.find_spec(f"{self.package}.{stem}") is not None:
            importlib.import_module(f"{self.package}.{stem}")
        if name.isidentifier() and name not in self._classes:
            for module in self._written_in(name):
                importlib.import_module(module)

    def _written_in(self, name: str) -> Iterator[str]:
        """Modules of ours whose source begins a class called ``name``."""
        begins = re.compile(rb"^class " + name.encode() + rb"\b", re.MULTILINE)
        for folder in importlib.import_module(self.package).__path__:
            for path in sorted(Path(folder).glob("*.py")):
                if begins.search(path.read_bytes()):
                    yield f"{self.package}.{path.stem}"

    def __getitem__(self, name: str) -> type:
        # Whoever asks for one class is spared the others, and whoever asks for a feed all of backtrader.
        prefix, dot, rest = name.partition(".")
        if name in self._twice:
            raise PluginError(self._said_twice(name, *self._twice[name]))
        for look in (partial(self._import_near, name), self.import_own, discover):
            look()
            if name in self._classes:
                return self._classes[name]
            if dot and prefix in self._families:
                return self._families[prefix](rest)
        return self._from_module(name) if ":" in name else self._classes[name]

    def __iter__(self) -> Iterator[str]:
        discover()
        return iter(sorted(self._classes))

    def __len__(self) -> int:
        discover()
        return len(self._classes)

    def find(self, name: str) -> type:
        """The class called ``name``.

        Raises
        ------
        PluginError
            With what is allowed and the nearest name.
        """
        try:
            return self[name]
        except KeyError as err:
            allowed = err.args[1] if len(err.args) > 1 else tuple(self)
            said = self._foreign(name) or self._in_families(name) or unknown(self.what, name, allowed)
            raise PluginError(said) from None

    def _in_families(self, name: str) -> str:
        """What to write where ``name`` is or means one of a family's without its prefix; empty where it is of none."""
        if "." in name or ":" in name or meant(name, self):
            return ""
        members = [one for _, names in sorted(self.families().items(), reverse=True) for one in names]
        stem = (meant(name, members) or f".{name}").partition(".")[2].lower()
        hits = [f"'{one}'" for one in members if one.partition(".")[2].lower() == stem]
        return f"unknown {self.what} '{name}', did you mean {' or '.join(hits)}?" if hits else ""

    def _foreign(self, name: str) -> str:
        """What to write where a plugin has a class called ``name`` that does not subclass ours; else empty."""
        base = self.what.capitalize()
        for module in sorted(_plugins, key=lambda module: module.__name__ not in ASKED):
            if isinstance(found := getattr(module, name, None), type):
                origin = f"{self.package}.base"
                where = getattr(module, "__file__", module.__name__)
                signals = any(cls.__name__ == "SignalStrategy" for cls in found.__mro__)
                script = f"; as it is, `python -m tapeflow.fast {Path(where).name}` runs it" if signals else ""
                return (
                    f"{self.what} '{name}' of {where} does not subclass ours: write `from {origin} import {base}` "
                    f"and `class {name}({base}):`{script}"
                )
        return ""

    def origin(self, name: str) -> str:
        """The module of the class called ``name``."""
        return self[name].__module__

    def _from_module(self, spec: str) -> type:
        module, _, attr = spec.partition(":")
        made = getattr(load_module(module), attr, None)
        if not isinstance(made, type):
            raise PluginError(f"{self.what} '{spec}': module {module} has no class '{attr}'")
        return self._adopts(made) or made


def _members(make: Callable[[str], type]) -> tuple[str, ...]:
    """The names a family tells when asked for one it cannot know."""
    try:
        make("")
    except KeyError as err:
        return tuple(err.args[1]) if len(err.args) > 1 else ()
    return ()


INDICATORS = Registry("indicator", "tapeflow.indicators")
STRATEGIES = Registry("strategy", "tapeflow.strategies")
FEEDS = Registry("feed", "tapeflow.feeds")
REGISTRIES: dict[str, Registry] = {"indicators": INDICATORS, "strategies": STRATEGIES, "feeds": FEEDS}


_within: Callable[[Path], AbstractContextManager[Any]] = nullcontext


def import_within(make: Callable[[Path], AbstractContextManager[Any]]) -> None:
    """Import each file of a plugin within what ``make`` gives for its path."""
    global _within
    _within = make


def classes_of_plugins() -> list[type]:
    """Classes that the modules of plugins define, whatever they are, without those named with an underscore."""
    return [cls for module in _plugins for cls in _classes_of(module)]


def _classes_of(module: Any) -> list[type]:
    """The classes that a module itself defines for others."""
    return [
        cls
        for name, cls in vars(module).items()
        if isinstance(cls, type)
        and cls.__module__ == module.__name__
        and cls.__name__ == name
        and not name.startswith("_")
    ]


def discover() -> None:
    """Import our own folders and every installed plugin, once a process."""
    if GROUP in _loaded:
        return
    _loaded.add(GROUP)
    for registry in REGISTRIES.values():
        registry.import_own()
    if _forbidden:
        return
    for point in entry_points(group=GROUP):
        _watch_package(point.value)
        load_module(point.value)


def forbid(no: bool) -> None:
    """Refuse from now on to load Python that is not ours, or allow it again; installed plugins are left out."""
    global _forbidden
    _forbidden = no
    if not no and not _plugins:
        _loaded.discard(GROUP)


def forbidden() -> bool:
    """Whether no Python but ours may be loaded."""
    return _forbidden


def _begin(what: str) -> None:
    """Refuse to load ``what`` where that is forbidden; else watch what it reads."""
    if _forbidden:
        raise PluginError(f"'{what}' is Python code, of which --no-plugins loads none")
    from .watch import watch  # late: without plugins nobody watches

    watch()


def _watch_package(name: str) -> None:
    """See what an installed plugin opens, from the first line of its import on."""
    from importlib.machinery import PathFinder

    from .watch import watch_package  # late: without plugins nobody watches

    spec = PathFinder.find_spec(name.partition(":")[0].partition(".")[0])
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        watch_package(Path(folder))


def load_module(name: str) -> Any:
    """Import a plugin's module by name.

    Raises
    ------
    PluginError
        If there is none, or importing it fails; the cause is named.
    """
    _begin(name)
    try:
        return _adopt(importlib.import_module(name))
    except PluginError:
        raise
    except Exception as err:
        raise PluginError(f"plugin module '{name}' cannot be imported: {type(err).__name__}: {err}") from err


def begin_run(files: Iterable[Path] = ()) -> None:
    """Begin with the plugins of another run: from here on names mean classes of the files that are loaded for it.

    Those among ``files`` that were loaded by their paths are its own already; one that changed since is loaded anew.
    """
    ASKED.clear()
    for registry in REGISTRIES.values():
        registry.begin_run()
    for path in files:
        if local_name(path) in sys.modules:
            _load_file(path)


def load_plugins(specs: list[str], beside: Path) -> list[Path]:
    """Import the ``plugins:`` of a run: module names, or files and folders relative to the YAML.

    Parameters
    ----------
    specs : list of str
        What stands in the YAML.
    beside : Path
        Folder of the YAML.

    Returns
    -------
    list of Path
        The source files that were imported by path.
    """
    if specs or (not _forbidden and installed_plugins()):
        discover()  # so that two classes of one name are seen
    files: list[Path] = []
    for spec in specs:
        if _forbidden:
            _begin(spec)
        path = beside / spec
        if path.is_dir():
            files += [_load_file(p) for p in sorted(path.glob("*.py")) if not p.name.startswith("_")]
        elif path.is_file():
            files.append(_load_file(path))
        elif spec.endswith(".py") or "/" in spec or spec.startswith("."):
            raise PluginError(f"plugins: no file or folder '{spec}' in {beside}")
        else:
            module = _module_or_hint(spec, beside)
            if getattr(module, "__file__", None):
                files.append(Path(module.__file__))
    return files


def _adopt(module: Any) -> Any:
    """``module``, of whose classes every registry has taken what it can."""
    if module not in _plugins:
        _plugins.append(module)
        for registry in REGISTRIES.values():
            registry.adopt_from(module)
    return module


def sources_of(specs: list[str], beside: Path) -> list[Path]:
    """The files that `load_plugins` would load for ``specs``, and those of ``module:Class``; none is run."""
    from .code import module_file  # late: without plugins nobody asks

    made: list[Path] = []
    for spec in specs:
        path = beside / spec
        if path.is_dir():
            made += [p.resolve() for p in sorted(path.glob("*.py")) if not p.name.startswith("_")]
        elif path.is_file():
            made.append(path.resolve())
        elif (file := module_file(spec.partition(":")[0])) is not None:
            made.append(file)
    return made


def installed_plugins() -> list[str]:
    """Modules that installed packages bring as plugins, which every command loads that looks for a class."""
    return sorted(point.value for point in entry_points(group=GROUP))


def _module_or_hint(spec: str, beside: Path) -> Any:
    """The module called ``spec``; where there is none, the folder that may have been meant is named."""
    try:
        return load_module(spec)
    except PluginError as err:
        folders = {p.name: way for way in ("../", "./") for p in (beside / way).glob("[!._]*/")}
        near = nearest(spec, list(folders))
        if isinstance(err.__cause__, ModuleNotFoundError) and near:
            raise PluginError(f"{err}; is the folder {folders[near]}{near} meant?") from err
        raise


def _load_file(path: Path) -> Path:
    """Import one file under a name of its own, so that a user's ``strategies/`` never meets ours."""
    path = path.resolve()
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that a helper beside it is found and hides nobody else's module
    name = local_name(path)
    ASKED.add(name)
    if name in sys.modules and _is_as_read(name):
        for registry in REGISTRIES.values():
            registry.take_again(name)
            registry.adopt_from(sys.modules[name])
        return path
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"plugins: {path} is no Python file")
    _begin(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _within(path):
            spec.loader.exec_module(module)
        _adopt(module)
    except PluginError:
        del sys.modules[name]
        raise
    except Exception as err:
        del sys.modules[name]
        raise PluginError(f"plugins: {path}: {type(err).__name__}: {err}") from err
    remember(name, path)
    return path


def _is_as_read(name: str) -> bool:
    """Whether a plugin's files are as they were loaded; if not its classes are given up, to be loaded anew."""
    if not give_up_changed(name):
        return True
    _plugins[:] = [module for module in _plugins if module.__name__ != name]
    for registry in REGISTRIES.values():
        registry.forget(name)
    return False
