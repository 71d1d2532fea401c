"""New files from templates that work as they are."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from ..configs.plugin import snake
from ..core.errors import ConfigError
from ..core.files.writing import replacing

KINDS = ("indicator", "strategy", "feed", "config")
FOLDERS = ("configs", "strategies", "indicators", "data")


def render(template: str, **values: str) -> str:
    """A template of this package, filled in."""
    text = files(__package__).joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def new_file(kind: str, name: str, folder: Path) -> Path:
    """Write one indicator, strategy, feed or config.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    name : str
        A class name for code, such as ``LargeShare``; a file name for a config.
    folder : Path
        Where to; made if it is missing.

    Raises
    ------
    ConfigError
        If the name cannot be one, or the file exists.
    """
    if kind == "config":
        if not re.fullmatch(r"[\w.-]+", name):
            raise ConfigError(f"'{name}' is no name for a config; use letters, digits, - and _")
        path = folder / f"{name.removesuffix('.yaml')}.yaml"
        return _write(path, render("config.yaml", name=path.stem, **_surroundings(folder)))
    if not re.fullmatch(r"[A-Z]\w*", name):
        raise ConfigError(
            f"'{name}' is no class name; begin with a capital and use letters and digits, as in LargeShare"
        )
    return _write(folder / f"{snake(name)}.py", render(f"{kind}.py", Name=name, name=snake(name)))


def _surroundings(folder: Path) -> dict[str, str]:
    """What a config says of the folders beside it: those of a project, or none."""
    up = "../" if (folder / ".." / "schema.json").exists() else ""
    own = [f"{up}{name}" for name in ("strategies", "indicators") if (folder / up / name).is_dir()]
    plugins = f"plugins: [{', '.join(own)}]  # classes of your own, one a file\n" if own else ""
    return {"schema": f"{up}schema.json", "beside": f"{up}data/", "plugins": plugins}


def new_project(folder: Path) -> list[Path]:
    """Lay out a folder of one's own, with a first config and the schema for editors.

    Raises
    ------
    ConfigError
        If the folder exists and is not empty.
    """
    import json

    from ..configs.schema import config_schema

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists and is not empty")
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    made = [
        _write(folder / "README.md", render("README.md", name=folder.resolve().name)),
        _write(folder / "schema.json", json.dumps(config_schema(), indent=1) + "\n"),
    ]
    return [*made, new_file("config", "first", folder / "configs")]


def _write(path: Path, text: str) -> Path:
    if path.exists():
        raise ConfigError(f"{path} exists already; choose another name or remove it")
    with replacing(path) as made:
        made.write_text(text, encoding="utf-8")
    return path
