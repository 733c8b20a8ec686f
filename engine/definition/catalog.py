"""The node types there are, found by the entry-point group `engine.nodes`.

An entry is a class, a module with one node type, or a package whose modules have one each.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, get_args

from engine.core.node import Common, NodeType, NoSettings
from engine.definition.shape import Field, fields_of
from engine.errors import SettingsError

GROUP = "engine.nodes"


@dataclass(frozen=True, slots=True)
class Kind:
    """A node type with the dataclass of its settings."""

    node_type: NodeType[Any]
    settings: type
    module: str

    @property
    def fields(self) -> tuple[Field, ...]:
        """The type's own keys."""
        return fields_of(self.settings)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every node type by the word that stands in the YAML."""

    kinds: Mapping[str, Kind]

    @staticmethod
    def of(*modules: ModuleType) -> "Catalog":
        """Makes a catalog of modules with one node type each, and packages of such modules."""
        found = (module for each in modules for module in _modules_of(each))
        return _catalog(kind for module in found for kind in _kinds_in(module))

    @staticmethod
    def of_types(*classes: type[NodeType[Any]]) -> "Catalog":
        """Makes a catalog of these classes."""
        return _catalog(_kind(cls) for cls in classes)

    @staticmethod
    def installed() -> "Catalog":
        """Gives the catalog of all installed packages; they are looked for once.

        Raises:
            SettingsError: a package offers something that is no node type.
        """
        return _installed()


@cache
def _installed() -> Catalog:
    return _catalog(kind for entry in entry_points(group=GROUP) for kind in _kinds_of(entry))


def _catalog(kinds: Iterable[Kind]) -> Catalog:
    found: dict[str, Kind] = {}
    for kind in kinds:
        word = kind.node_type.type
        if word in found:
            raise SettingsError(
                f"the node type '{word}' is offered twice: by {found[word].module} "
                f"and by {kind.module}",
                hint="Uninstall one of the two packages.",
            )
        found[word] = kind
    return Catalog(found)


def _kinds_of(entry: EntryPoint) -> Iterator[Kind]:
    try:
        offered = entry.load()
        if isinstance(offered, ModuleType):
            for module in _modules_of(offered):
                yield from _kinds_in(module)
        else:
            yield _kind(offered)
    # A package of somebody else's may raise anything while it is imported.
    except Exception as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(
            f"the node types of '{entry.value}' (entry point '{entry.name}') can't be loaded: "
            f"{type(error).__name__}: {error}",
            hint="Repair or uninstall the package that offers them.",
        ) from error


def _modules_of(package: ModuleType) -> Iterator[ModuleType]:
    if not hasattr(package, "__path__"):
        yield package
        return
    for found in pkgutil.iter_modules(package.__path__):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{found.name}")


def _kinds_in(module: ModuleType) -> Iterator[Kind]:
    classes = [
        each
        for each in vars(module).values()
        if inspect.isclass(each)
        and issubclass(each, NodeType)
        and f"{each.__module__}.".startswith(f"{module.__name__}.")
        and not inspect.isabstract(each)
    ]
    if len(classes) != 1:
        raise SettingsError(
            f"{module.__name__} should define one node type and defines {len(classes)}",
            hint="A node type is one class derived from NodeType, alone in its module.",
        )
    yield _kind(classes[0], vars(module).get("Settings"))


def _kind(cls: Any, module_settings: type | None = None) -> Kind:
    if not (inspect.isclass(cls) and issubclass(cls, NodeType)):
        raise SettingsError(f"{cls!r} is not a node type: it does not derive from NodeType")
    where = f"{cls.__module__}.{cls.__qualname__}"
    if inspect.isabstract(cls) or not isinstance(getattr(cls, "type", None), str):
        raise SettingsError(f"the node type {where} lacks `enter` or the word `type`")
    settings = _settings_of(cls) or module_settings or NoSettings
    try:
        own = {field.key for field in fields_of(settings)}
    except TypeError as error:
        raise SettingsError(f"the settings of the node type {where}: {error}") from error
    if taken := own & {field.key for field in fields_of(Common)}:
        raise SettingsError(
            f"the settings of the node type {where} use keys that every node has: {sorted(taken)}"
        )
    return Kind(cls(), settings, cls.__module__)


def _settings_of(cls: type) -> type | None:
    """Finds `X` in the base `NodeType[X]`."""
    for base in (base for each in cls.__mro__ for base in getattr(each, "__orig_bases__", ())):
        argument = next(iter(get_args(base)), None)
        if isinstance(argument, type) and argument is not Any:
            return argument
    return None
