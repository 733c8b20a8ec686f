"""Functions of real repositories on disk."""

import asyncio
import os
import subprocess

import pytest

from engine.addresses import AllowedHosts
from engine.core.command import CallFailed, CallFailure, RunRepositoryFunction, ScriptAnswer
from engine.outside.functions import RepositoryFunctions
from engine.outside.git import NotReached, NotThere, Repositories
from engine.outside.guard import Guard
from engine.outside.scripts.functions import PythonFunctions
from engine.outside.scripts.pool import ScriptPool

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "anna"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "anna@example.com"),
}


GUARD = Guard(AllowedHosts.read(["git.example"]))


class Repository:
    def __init__(self, folder):
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main", str(folder))

    def git(self, *arguments):
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
        return done.stdout.decode().strip()

    def commit(self, **files):
        """Commits files, by their names without ending; gives the hash."""
        for name, text in files.items():
            (self.folder / f"{name}.js").write_text(text)
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "code").mkdir()
    return Repository(tmp_path / "code")


@pytest.fixture
def repositories():
    opened = Repositories(GUARD)
    yield opened
    opened.close()


@pytest.fixture
async def functions():
    pool = ScriptPool(10_000, 2)
    opened = RepositoryFunctions(pool, PythonFunctions(10_000, 2), Repositories(GUARD))
    yield opened
    await pool.aclose()
    opened.close()


def call(repository, revision, path="work.js", function=""):
    folder = str(getattr(repository, "folder", repository))
    return RunRepositoryFunction(folder, revision, path, function, b'{"a":1}', 60.0, 64 * 2**20)


async def test_a_function_makes_of_the_data_what_it_says(functions, repository):
    revision = repository.commit(work="module.exports = async (data) => ({...data, b: data.a + 1})")

    assert await functions.perform(call(repository, revision)) == ScriptAnswer({"b": 2})


async def test_a_function_is_called_by_its_name(functions, repository):
    revision = repository.commit(work="exports.one = () => ({b: 1}); exports.two = (d) => d")

    answer = await functions.perform(call(repository, revision, function="one"))

    assert answer == ScriptAnswer({"b": 1}, ("a",))


async def test_a_python_function_makes_of_the_data_what_it_says(functions, repository):
    (repository.folder / "work.py").write_text("def handle(data): return {'b': data['a'] + 1}")
    revision = repository.commit(work="")

    answer = await functions.perform(call(repository, revision, "work.py"))

    assert answer == ScriptAnswer({"b": 2}, ("a",))


async def test_a_hash_is_the_file_of_then(repositories, repository):
    first = repository.commit(work="first")
    repository.commit(work="second")

    folder = str(repository.folder)

    assert await repositories.read(folder, first, "work.js") == "first"
    assert await repositories.read(folder, "main", "work.js") == "second"


async def test_a_tag_and_a_branch_are_looked_up_once(repositories, repository):
    repository.commit(work="first")
    repository.git("tag", "v1")
    folder = f"file://{repository.folder}"
    before = [await repositories.read(folder, name, "work.js") for name in ("main", "v1")]
    repository.commit(work="second", other="other")

    after = [await repositories.read(folder, name, "work.js") for name in ("main", "v1")]

    assert (before, after) == (["first", "first"], ["first", "first"])
    with pytest.raises(NotThere, match=r"other\.js"):
        await repositories.read(folder, "main", "other.js")


@pytest.mark.parametrize(
    ("revision", "path", "text"),
    [
        ("nowhere", "work.js", "couldn't find remote ref nowhere"),
        ("main", "nothing.js", r"nothing\.js"),
        ("0" * 40, "work.js", "not our ref"),
        ("--upload-pack=touch /tmp/x", "work.js", "is no revision"),
        ("", "work.js", "is no revision"),
        ("main:refs/heads/x", "work.js", "is no revision"),
        ("main", "large.js", "a script has 262144 at most"),
    ],
)
async def test_what_is_not_there_is_named(repositories, repository, revision, path, text):
    repository.commit(work="x", large="x" * 300_000)

    with pytest.raises(NotThere, match=text):
        await repositories.read(str(repository.folder), revision, path)


@pytest.mark.parametrize(
    "address",
    ["ext::sh -c 'touch /tmp/x'", "ssh://host/x", "http://host/x", "git@host:x", "--help", "",
     "https+x://a", "nowhere/at/all"],
)  # fmt: skip
async def test_only_https_and_folders_are_repositories(repositories, address):
    with pytest.raises(NotThere, match="neither an https URL nor a folder"):
        await repositories.read(address, "main", "work.js")


async def test_a_folder_that_is_no_repository_is_not_there(repositories, tmp_path):
    with pytest.raises(NotThere, match="does not appear to be a git repository"):
        await repositories.read(str(tmp_path), "main", "work.js")


async def test_a_file_that_is_no_text_is_not_there(repositories, repository):
    (repository.folder / "bytes.js").write_bytes(b"\xff\xfe")
    revision = repository.commit(work="x")

    with pytest.raises(NotThere, match="not text in UTF-8"):
        await repositories.read(str(repository.folder), revision, "bytes.js")


async def test_the_failures_of_a_call_are_values(functions, repository):
    repository.commit(work="x")

    missing = await functions.perform(call(repository, "main", "nothing.js"))
    unreachable = await RepositoryFunctions(
        None, None, Repositories(GUARD, {"PATH": "/nowhere"})
    ).perform(call(repository, "main"))

    assert missing.failure == "exception"
    assert missing.description.startswith("nothing.js: ")
    assert unreachable == CallFailed(
        CallFailure.UNREACHABLE,
        "the repository can't be read: there is no program 'git': install it where the engine runs",
    )


@pytest.fixture
def with_git(tmp_path):
    """Makes repositories whose `git` is a script of the test's."""
    opened = []

    def make(text, guard=GUARD, **more):
        (tmp_path / "git").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "git").chmod(0o755)
        opened.append(Repositories(guard, {"PATH": f"{tmp_path}:{os.defpath}"}, **more))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


async def test_a_repository_that_does_not_answer_is_given_up(with_git):
    repositories = with_git("exec sleep 600", fetch_s=0.05)

    with pytest.raises(NotReached, match=r"did not answer within 0\.05 s"):
        await repositories.read("https://git.example/x", "main", "work.js")


async def test_a_password_in_the_address_is_not_told(with_git):
    repositories = with_git("test $1 = init && exit; echo fatal: unable to access $* >&2; exit 128")

    with pytest.raises(NotReached, match=r"unable to access .*https://git\.example/x"):
        await repositories.read("https://anna:secret@git.example/x", "main", "work.js")


async def test_git_that_fails_without_a_word_is_told(with_git):
    with pytest.raises(NotReached, match="does not say why"):
        await with_git("exit 1").read("https://git.example/x", "main", "work.js")


async def test_git_gets_nothing_of_the_environment_but_where_things_are(with_git):
    repositories = with_git("echo `env` >&2; exit 1")

    with pytest.raises(NotReached) as caught:
        await repositories.read("https://git.example/x", "main", "work.js")

    names = {part.partition("=")[0] for part in str(caught.value).split() if "=" in part}
    assert names <= {
        "PATH", "HOME", "LC_ALL", "PWD", "_", "SHLVL", "OLDPWD", "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_GLOBAL", "GIT_TERMINAL_PROMPT", "GIT_ALLOW_PROTOCOL",
    }  # fmt: skip


async def test_only_so_many_files_are_kept_in_memory(repository):
    repositories = Repositories(GUARD, most_files=1)
    repository.commit(work="x", other="y")
    folder = str(repository.folder)

    read = [await repositories.read(folder, "main", f"{name}.js") for name in ("work", "other")]
    again = await repositories.read(folder, "main", "other.js")
    repositories.close()

    assert (read, again, len(repositories._files)) == (["x", "y"], "y", 1)


NOT_INIT = 'test "$1" = init && exit; echo "asked" >&2; exit 1'


class Places:
    """A name server that finds every name in one place."""

    def __init__(self, *addresses):
        self.addresses = addresses

    async def __call__(self, name):
        return self.addresses


@pytest.mark.parametrize(
    "address",
    ["https://10.0.0.1/x.git", "https://user:password@10.0.0.1:8443/x", "https://0x7f.1/x",
     "https://[::1]/x", "https://git.inside/x"],
)  # fmt: skip
async def test_a_repository_on_a_host_that_is_not_open_is_not_asked(with_git, address):
    repositories = with_git(NOT_INIT, guard=Guard(AllowedHosts(), Places("10.1.1.1")))
    functions = RepositoryFunctions(None, None, repositories)

    failed = await functions.perform(call(address, "main"))

    assert failed.failure is CallFailure.NOT_ALLOWED
    assert "is not called: " in failed.description
    assert "allow_hosts" in failed.description
    assert "password" not in failed.description


@pytest.mark.parametrize(
    "address", ["https://a@b@c/x", "https://a\\b/x", "https://a/ x", "https:///x", "https://256.1.1.1/"]
)  # fmt: skip
async def test_an_address_that_can_be_read_in_two_ways_is_not_asked(with_git, address):
    repositories = with_git(NOT_INIT, guard=Guard(AllowedHosts(), Places("8.8.8.8")))

    with pytest.raises(NotThere, match=r"is no (URL of a repository|host)"):
        await repositories.read(address, "main", "work.js")


async def test_a_password_with_an_at_sign_is_not_told(with_git):
    repositories = with_git(NOT_INIT, guard=Guard(AllowedHosts(), Places("8.8.8.8")))

    with pytest.raises(NotThere) as caught:
        await repositories.read("https://anna:pass@word@git.example/x", "main", "work.js")

    assert str(caught.value) == "'https://git.example/x' is no URL of a repository"


async def test_git_is_told_the_addresses_that_were_judged(with_git):
    repositories = with_git(
        'test "$1" = init && exit; echo "$*" >&2; exit 1',
        guard=Guard(AllowedHosts(), Places("8.8.8.8", "2606:4700::1111", "10.0.0.1")),
    )

    with pytest.raises(NotReached) as caught:
        await repositories.read("https://me:secret@Git.example.:8443/x", "main", "work.js")

    assert str(caught.value).startswith(
        "-c http.followRedirects=false"
        " -c http.curloptResolve=git.example:8443:8.8.8.8,[2606:4700::1111] --git-dir "
    )
    assert " -- https://git.example:8443/x main:refs/kept/" in str(caught.value)


async def test_the_real_git_connects_to_the_address_that_was_judged():
    connected = asyncio.Event()

    async def accept(reader, writer):
        connected.set()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    allowed = AllowedHosts.read(["127.0.0.1"])
    repositories = Repositories(Guard(allowed, Places("127.0.0.1")))

    async with server:
        with pytest.raises(NotReached):
            await repositories.read(f"https://git.example:{port}/x.git", "main", "work.js")
    repositories.close()

    assert connected.is_set()


async def test_a_repository_that_moved_is_told_with_what_to_do(with_git):
    repositories = with_git(
        "test $1 = init && exit; echo The requested URL returned error: 301 >&2; exit 128"
    )

    with pytest.raises(NotReached, match=r"301; name the address that it leads to"):
        await repositories.read("https://git.example/x", "main", "work.js")
