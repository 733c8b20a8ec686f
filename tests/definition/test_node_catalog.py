import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

import nodes
from engine.core.node import NodeType, NoSettings
from engine.core.outcome import Go
from engine.definition.catalog import Catalog, _kinds_of
from engine.errors import SettingsError


class Plain(NodeType[NoSettings]):
    type = "plain"
    title = "Plain"
    can_fail = False

    def enter(self, settings, visit):
        return Go()


class Twin(Plain):
    type = "plain"


class Nameless(NodeType[NoSettings]):
    def enter(self, settings, visit):
        return Go()


class Unfinished(NodeType[NoSettings]):
    type = "unfinished"


@dataclass(frozen=True)
class Greedy:
    title: str = ""


class Taking(Plain, NodeType[Greedy]):
    type = "taking"


@dataclass(frozen=True)
class Strange:
    when: complex = 0j


class Shapeless(Plain, NodeType[int]):
    type = "shapeless"


class Unreadable(Plain, NodeType[Strange]):
    type = "unreadable"


def module_with(*classes, **more):
    module = ModuleType("somebody")
    for each in classes:
        copy = type(each.__name__, (each,), {"__module__": "somebody"})
        setattr(module, each.__name__, copy)
    vars(module).update(more)
    return module


def test_package_gives_the_node_type_of_each_of_its_modules():
    kinds = Catalog.of(nodes).kinds

    assert {"start", "end", "condition", "delay", "api_call"} <= set(kinds)
    assert kinds["delay"].settings.__module__ == "nodes.delay"


def test_module_gives_its_one_node_type():
    assert list(Catalog.of(module_with(Plain)).kinds) == ["plain"]


def test_type_without_declared_settings_takes_those_of_its_module():
    class Bare(NodeType):
        type = "bare"
        can_fail = False

        def enter(self, settings, visit):
            return Go()

    @dataclass(frozen=True)
    class Settings:
        colour: str = ""

    Bare.__module__ = "somebody"
    module = module_with(Settings=Settings, Bare=Bare)

    assert [field.key for field in Catalog.of(module).kinds["bare"].fields] == ["colour"]


def test_module_with_two_node_types_is_refused():
    with pytest.raises(SettingsError, match="somebody should define one node type and defines 2"):
        Catalog.of(module_with(Plain, Twin))


def test_word_offered_twice_is_refused():
    with pytest.raises(SettingsError, match="the node type 'plain' is offered twice"):
        Catalog.of_types(Plain, Twin)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (str, "is not a node type: it does not derive from NodeType"),
        (Nameless, "lacks `enter` or the word `type`"),
        (Unfinished, "lacks `enter` or the word `type`"),
        (Taking, "use keys that every node has: .'title'."),
        (Shapeless, "int is not a dataclass"),
        (Unreadable, "<class 'complex'> is not a type that settings may have"),
    ],
)
def test_class_that_is_no_node_type_is_refused(cls, message):
    with pytest.raises(SettingsError, match=message):
        Catalog.of_types(cls)


def test_entry_point_may_name_a_class():
    entry = EntryPoint("mine", f"{__name__}:Plain", "engine.nodes")

    assert [kind.node_type.type for kind in _kinds_of(entry)] == ["plain"]


def test_entry_point_may_name_a_package():
    entry = EntryPoint("builtin", "nodes", "engine.nodes")

    assert "delay" in [kind.node_type.type for kind in _kinds_of(entry)]


def test_package_that_can_not_be_imported_is_named():
    entry = EntryPoint("theirs", "no_such_package", "engine.nodes")

    with pytest.raises(
        SettingsError, match=r"'no_such_package' \(entry point 'theirs'\)"
    ) as raised:
        list(_kinds_of(entry))

    assert raised.value.hint == "Repair or uninstall the package that offers them."


def test_fault_of_a_package_keeps_its_own_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "somebody", module_with(Plain, Twin))
    entry = EntryPoint("theirs", "somebody", "engine.nodes")

    with pytest.raises(SettingsError, match="defines 2"):
        list(_kinds_of(entry))


def test_installed_types_are_looked_for_once():
    assert Catalog.installed() is Catalog.installed()
