"""The databases of `db_call` in the settings: by name, and their URLs shown to nobody."""

import pytest

from engine.errors import SettingsError
from engine.settings import load_settings

URL = "postgresql://anna:sesame@db.example/shop"


@pytest.fixture
def load(tmp_path):
    def read(toml="", **environment):
        (tmp_path / "engine.toml").write_text(toml)
        return load_settings({}, environment, tmp_path)

    return read


def test_a_connection_comes_from_the_file(load):
    assert load(f'[connections]\nshop = "{URL}"').connections == {"shop": URL}


def test_a_connection_of_the_environment_goes_before_that_of_the_file(load):
    settings = load(
        '[connections]\nshop = "sqlite:///a.db"\nstock = "sqlite:///b.db"',
        ENGINE_CONNECTION_SHOP=URL,
    )

    assert settings.connections == {"shop": URL, "stock": "sqlite:///b.db"}


def test_without_connections_there_are_none(load):
    assert load().connections == {}
    assert load().max_connections == 5


def test_the_settings_do_not_show_urls(load):
    assert "sesame" not in repr(load(ENGINE_CONNECTION_SHOP=URL))


def test_templates_cannot_read_urls(load):
    assert "ENGINE_CONNECTION_SHOP" not in load(ENGINE_CONNECTION_SHOP=URL).variables


@pytest.mark.parametrize(
    "toml",
    [
        f'[connections]\nShop = "{URL}"',
        f'[connections]\n"a-b" = "{URL}"',
        '[connections]\nshop = "sesame"',
        "[connections]\nshop = 5",
        f'[connections.shop]\nurl = "{URL}"',
        f'connections = "{URL}"',
        "max_connections = 0",
    ],
)
def test_what_is_no_connection_is_told_without_its_url(load, toml):
    with pytest.raises(SettingsError) as caught:
        load(toml)

    assert "sesame" not in str(caught.value)


def test_a_variable_without_a_name_is_no_connection(load):
    with pytest.raises(SettingsError, match="can't be called so"):
        load(ENGINE_CONNECTION_=URL)
