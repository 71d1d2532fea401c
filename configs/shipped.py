"""The example runs that come with the package, found by name."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ConfigError, nearest, unknown

FOLDER = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """Every shipped run by its name, which is the file's without the ending."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def about(path: Path) -> str:
    """What a run shows: the comment its file begins with, up to the first full stop or line's end.

    Parameters
    ----------
    path : Path
        A YAML file.
    """
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        text = line.lstrip("# ").strip()
        if text and not text.startswith("yaml-language-server"):
            return text
    return ""


def find_config(name: str) -> Path:
    """A run by path or, where no such file exists, by the name of a shipped one.

    Raises
    ------
    ConfigError
        Naming the shipped runs.
    """
    path = Path(name)
    known = shipped()
    # A folder of that name, such as one a run of it was written to, is no config.
    if path.is_file() or path.suffix or len(path.parts) > 1 or (path.exists() and name not in known):
        return path
    if name in known:
        return known[name]
    if near := beside(path):
        raise ConfigError(f"no file '{name}', did you mean '{near}'?")
    raise ConfigError(f"no file '{name}', and {unknown('shipped config', name, known)}")


def beside(path: Path) -> str:
    """The YAML file that is meant by a path which leads to none; empty where none is like it.

    Of that name with another ending, there or in ``configs`` beside; else the one in that folder whose name is nearest.

    Parameters
    ----------
    path : Path
        As it was typed.
    """
    here = [one for ending in ("*.yaml", "*.yml") for one in sorted(path.parent.glob(ending))]
    below = [one for ending in ("*.yaml", "*.yml") for one in sorted((path.parent / "configs").glob(ending))]
    same = [one for one in (*here, *below) if one.stem == path.stem and one != path]
    if same:
        return str(same[0])
    near = nearest(path.stem, [one.stem for one in here])
    return next((str(one) for one in here if one.stem == near), "")
