"""The example runs that come with the package, found by name."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ConfigError, unknown

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
    if name not in known:
        raise ConfigError(f"no file '{name}', and {unknown('shipped config', name, known)}")
    return known[name]
