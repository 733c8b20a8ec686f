"""The processes that the package carries, for the demo and the benchmark."""

from importlib.resources import files
from pathlib import Path

import engine
from engine.errors import SettingsError

PACKAGED = "examples"
IN_REPOSITORY = "processes"


def example_folder(name: str) -> Path:
    """Gives a folder of example processes: the installed package's, else the repository's.

    Raises:
        SettingsError: neither is there.
    """
    packaged = Path(str(files(engine) / PACKAGED))
    repository = Path(engine.__file__).parent.parent / IN_REPOSITORY
    for folder in (packaged, repository):
        if (folder / name).is_dir():
            return folder / name
    raise SettingsError(f"the example processes '{name}' are not installed")
