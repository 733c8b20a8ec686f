"""What somebody asks to be put into force: process files, or an earlier version."""

from typing import Any

import msgspec

from engine.definition import load_texts
from engine.errors import InvalidData, PlanRefused
from engine.runtime.plan import Wish, back
from engine.runtime.versions import Versions


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A process file: its name, for messages, and its text."""

    file: str
    source: str


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files, or a `process` and the `version` that it goes back to.

    `moves` and `keeps` are as in `Wish`.
    """

    files: tuple[File, ...] = ()
    moves: dict[str, str] = {}
    keeps: bool = False
    process: str = ""
    version: int = 0

    def wish(self, versions: Versions) -> Wish:
        """Reads the files, beside what is in force, or the earlier version.

        Raises:
            DefinitionError: a file has faults.
            PlanRefused: there is no such version.
        """
        if not self.version:
            texts = [(each.file, each.source) for each in self.files]
            beside = [versions.definition(row.process) for row in versions.rows()]
            loaded = load_texts(texts, [each for each in beside if each is not None])
            return Wish(loaded.checked(), self.moves, self.keeps)
        if not self.process:
            raise PlanRefused(
                "one process is to go back to a version, and none is named",
                hint="engine deploy --version N PROCESS",
            )
        wish = back(versions, self.process, self.version)
        return Wish(wish.definitions, {**wish.moves, **self.moves}, self.keeps, wish.undone)


def order_of(body: Any) -> Order:
    """Reads an order from JSON.

    Raises:
        InvalidData: it is not one; the message says where.
    """
    try:
        return msgspec.convert(body, Order)
    except msgspec.ValidationError as error:
        raise InvalidData(f"what to deploy is not understood: {error}") from None
