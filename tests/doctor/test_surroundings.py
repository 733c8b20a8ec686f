"""Settings, folders and the machine: what keeps an engine from working is found before it does."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from engine.doctor.configuration import examine_settings
from engine.doctor.machine import examine_disk, examine_open_files, examine_way_in, told_of_room
from engine.errors import SettingsError
from engine.settings import Role, Settings, load_settings, read_settings
from tests.doctor.conftest import SHOP, SqlitePlace, said


@pytest.fixture
def place(tmp_path):
    return SqlitePlace(tmp_path)


@pytest.fixture
async def made(opened):
    """A database that an engine has made."""
    await opened.close(await opened(SHOP))


def test_every_fault_of_the_settings_is_found_at_once(tmp_path):
    (tmp_path / "engine.toml").write_text(
        'databse = "sqlite:///x.db"\nport = "many"\nhost = "0.0.0.0"\nrole = "boss"\n'
    )

    settings, faults = read_settings(
        {"public_url": "nowhere"}, {"ENGINE_LEASE_SECONDS": "0"}, tmp_path
    )

    assert settings.host == "0.0.0.0"
    assert [str(fault) for fault in faults] == [
        "engine.toml: there is no setting 'databse'; did you mean 'database'?",
        "engine.toml: port must be a number, not 'many'",
        "engine.toml: role must be one of all, api, worker, not 'boss'",
        "public_url must be like https://engine.example.com, not 'nowhere'",
        "lease_seconds must be at least 1, not 0",
    ]


def test_the_first_fault_of_the_settings_stops_every_other_command(tmp_path):
    (tmp_path / "engine.toml").write_text("this is not toml")

    with pytest.raises(SettingsError, match=r"engine\.toml: "):
        load_settings({}, {}, tmp_path)


def test_a_guard_that_lets_everything_through_is_told():
    (found,) = examine_settings(Settings(allow_hosts=("*",)), (), {})

    assert (
        found.message == "allow_hosts: '*' opens every host to processes, those of the inside too"
    )


def test_a_variable_that_nothing_reads_is_told_with_the_one_that_was_meant():
    found = list(examine_settings(Settings(), (), {"ENGINE_PROT": "1", "ENGINE_PORT": "2"}))

    assert [each.message for each in found] == [
        "the variable ENGINE_PROT is read by nothing; is ENGINE_PORT meant?"
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"role": Role.API, "database": "sqlite:///x.db"},
            "role: 'api' needs a database that engines can share",
        ),
        (
            {"role": Role.WORKER, "database": "postgresql://x/y"},
            "role: a worker gives out callback URLs, and public_url is not set",
        ),
    ],
)
def test_a_role_that_can_not_be_played_is_told(settings, words):
    assert [each.message for each in examine_settings(Settings(**settings), (), {})] == [words]


async def test_the_folder_of_process_files_is_looked_at(made, examined, tmp_path, folder):
    missing = await examined(processes=str(tmp_path / "nowhere"))
    (folder / "bad.yaml").write_text("process: bad\nnodes:\n  start: {type: start, next: nope}\n")
    broken = await examined()

    assert said(missing, "processes") == [
        f"the folder '{tmp_path}/nowhere' of process files is not there"
    ]
    assert len(said(broken, "processes")) == 1
    assert f"{folder}/bad.yaml:2:1: " in said(broken, "processes")[0]


async def test_callback_urls_must_lead_here(made, examined):
    local = await examined()
    nobody = await examined(host="0.0.0.0")
    readable = await examined(public_url="http://engine.example.com")
    well = await examined(public_url="https://engine.example.com")

    assert said(local, "public_url") == [
        "callback URLs begin with http://127.0.0.1:0, which only this machine reaches"
    ]
    assert said(nobody, "public_url") == [
        "callback URLs begin with http://0.0.0.0:0, which nobody reaches"
    ]
    assert said(readable, "public_url") == [
        "callbacks to http://engine.example.com can be read on their way"
    ]
    assert said(well, "public_url") == []


async def test_a_port_that_another_program_has_is_told(made, examined):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = await _with_silent(taken, examined(port=port))

    assert said(found, "port") == [
        f"an engine can't listen on 127.0.0.1:{port}: address already in use"
    ]


async def _with_silent(server, examination):
    """Answers each connection with what no engine says."""

    async def serve():
        loop = asyncio.get_running_loop()
        server.setblocking(False)
        connection, _ = await loop.sock_accept(server)
        connection.close()

    serving = asyncio.create_task(serve())
    try:
        return await examination
    finally:
        serving.cancel()


async def test_a_host_that_is_not_of_this_machine_is_told(made, examined):
    found = await examined(host="192.0.2.1", port=8080, public_url="https://e.example")

    (said_of_port,) = said(found, "port")
    assert said_of_port.startswith("an engine can't listen on 192.0.2.1:8080: ")


async def test_an_engine_that_holds_the_database_and_does_not_answer_is_told(
    opened, examined, place
):
    workspace = await opened(SHOP)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    workspace.announce(f"http://127.0.0.1:{port}")

    found = await examined()

    assert said(found, "service") == [
        f"the engine at http://127.0.0.1:{port} (process {os.getpid()}) does not answer"
    ]


@pytest.mark.parametrize(
    ("free_mb", "severity", "words"),
    [
        (100, "error", "100 MB are free on the disk of '/var'"),
        (800, "warning", "800 MB are free on the disk of '/var'"),
    ],
)
def test_a_disk_that_is_nearly_full_is_told(free_mb, severity, words):
    (found,) = told_of_room(free_mb, Path("/var"))

    assert (found.severity, found.message) == (severity, words)
    assert list(told_of_room(5000, Path("/var"))) == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nfs4", "is on a network drive (nfs4), where SQLite can lose data"),
        ("tmpfs", "is in memory (tmpfs): a power cut or a restart loses all tasks"),
        ("ext4", ""),
    ],
)
def test_a_disk_on_which_tasks_are_not_safe_is_told(kind, words, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {data.resolve()} {kind} rw 0 0\n")

    found = [each.message for each in examine_disk(data, mounts) if "free" not in each.message]

    assert found == ([f"'{data}' {words}"] if words else [])


async def test_a_folder_of_the_database_that_is_not_there_is_told(examined, tmp_path):
    found = await examined(database=f"sqlite:///{tmp_path}/no/engine.db")

    assert said(found, "disk") == [f"the folder '{tmp_path}/no' of the database is not there"]


def test_few_open_files_are_told():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
    try:
        own = list(examine_open_files(None))
        of_engine = list(examine_open_files(os.getpid()))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert [each.message for each in own] == [
        "at most 200 files and connections may be open at once"
    ]
    assert of_engine == own


async def test_a_public_url_behind_which_nobody_listens_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        answered = await examine_way_in(f"http://127.0.0.1:{port}")
    silent = await examine_way_in(f"http://127.0.0.1:{port}")

    assert answered is None
    assert silent is not None
    assert silent.message == f"nothing answers at http://127.0.0.1:{port} from here"


async def test_a_url_of_no_database_is_told(examined):
    found = await examined(database="mysql://x")

    (words,) = said(found, "database")
    assert words.startswith("no database can be opened by 'mysql'; there are: ")
