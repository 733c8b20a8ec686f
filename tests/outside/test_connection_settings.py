"""Databases of db_call nodes in the settings."""

import pytest

from engine.errors import SettingsError
from engine.settings import load_settings


def settings(tmp_path, text, **environment):
    (tmp_path / "engine.toml").write_text(text)
    return load_settings({}, environment, tmp_path)


def test_a_connection_is_named_in_the_file_or_in_a_variable_which_goes_before(tmp_path):
    found = settings(
        tmp_path,
        '[connections]\nshop = "sqlite:///a.db"\nMy-Notes = "sqlite:///b.db"\n',
        ENGINE_CONNECTION_SHOP="sqlite:///c.db",
        ENGINE_CONNECTION_MORE="sqlite:///d.db",
    )

    assert found.connections == {
        "shop": "sqlite:///c.db",
        "my_notes": "sqlite:///b.db",
        "more": "sqlite:///d.db",
    }


@pytest.mark.parametrize("wrong", ['"shop.db"', "5", '{url = "sqlite:///a.db"}'])
def test_what_is_no_url_is_told_with_its_name_and_without_its_value(tmp_path, wrong):
    with pytest.raises(SettingsError, match=r"connections\.shop must be the URL") as caught:
        settings(tmp_path, f"[connections]\nshop = {wrong}\n")

    assert "shop.db" not in str(caught.value)


def test_urls_are_not_shown(tmp_path):
    found = settings(tmp_path, '[connections]\nshop = "postgresql://me:hunter22@there/shop"\n')

    assert "hunter22" not in repr(found)


def test_there_is_at_least_one_connection_to_each(tmp_path):
    assert settings(tmp_path, "").max_connections == 5
    with pytest.raises(SettingsError, match="max_connections must be at least 1"):
        settings(tmp_path, "max_connections = 0")
