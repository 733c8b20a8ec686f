"""`engine secrets`, and what commands say of secrets of their own."""

import stat


def test_the_first_steps_need_no_key(engine):
    submitted = engine("submit", "greet", "-d", "name=Ada", "-d", "token=hush-hush", "--wait")

    key = engine.folder / "engine.db.key"
    assert submitted.code == 0
    assert "hush-hush" not in submitted.out
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_new_key_is_added_to_the_file_that_is_named(engine):
    first = engine("secrets", "new-key", "--key-file", "keys", "--json").json()
    second = engine("secrets", "new-key", ENGINE_KEY_FILE="keys")

    assert first["file"] == "keys"
    assert second.out.startswith("added key ")
    assert (engine.folder / "keys").read_text().count("\n") == 4


def test_secrets_are_encrypted_with_a_new_key(engine):
    engine("submit", "greet", "-d", "name=Ada", "-d", "token=hush-hush", "--ref", "r")

    rotated = engine("secrets", "rotate")

    assert rotated.code == 0
    assert rotated.out.startswith("encrypted 2 rows with key ")
    assert engine("show", "greet", "r", "--json").json()["data"]["token"] == "***"
    assert engine("secrets", "rotate", "--json").json()["rows"] == 2


def test_a_database_whose_key_is_gone_is_not_worked_on(engine):
    engine("submit", "greet", "-d", "name=Ada", "-d", "token=hush-hush")
    (engine.folder / "engine.db.key").unlink()

    submitted = engine("submit", "greet", "-d", "name=Ada", "--json")

    assert submitted.code == 5
    assert submitted.error()["kind"] == "key_missing"
    assert "ENGINE_KEY_FILE" in submitted.error()["hint"]


def test_a_file_for_the_key_must_be_named_where_there_is_none(engine):
    asked = engine("secrets", "new-key", "--database", "postgresql://localhost/engine")

    assert asked.code == 2
    assert "--key-file" in asked.err


def test_a_parameter_without_a_name_is_not_quoted(engine):
    submitted = engine("submit", "greet", "-d", "hush-hush", "--json")

    assert submitted.error()["message"] == "what follows -d must be NAME=VALUE"
