"""Files of git repositories: fetched once a revision, by the `git` that is installed."""

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from pathlib import Path

from engine.outside.guard import Guard, NotAllowed, NotFound

FETCH_S = 60.0
MOST_FILES = 256
LARGEST = 256 * 1024
_CONFIG = """\
[safe]
    directory = *
[core]
    hooksPath = /dev/null
[credential]
    helper =
[gc]
    auto = 0
"""
_PASSED_ON = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
_NOT_THERE = re.compile(
    r"couldn't find remote ref|not our ref|does not appear to be a git repository"
    r"|does not exist|exists on disk, but not in|unadvertised object|bad revision"
    r"|invalid object name|invalid refspec|path '.*' is in the index"
)
_USERINFO = re.compile(r"://[^/\s]*@")
_NAME = re.compile(r"(?!-)[\w./+@-]{1,200}")


_HTTPS = re.compile(r"(https://)(?:([^/?#@\\]*)@)?([^/?#@\\]+)((?:[/?#][^\\]*)?)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_MOVED = re.compile(r"returned error: 30\d")


class NotThere(Exception):
    """There is no such repository, revision or file; to try again will not help."""


class NotReached(Exception):
    """The repository could not be read now."""


class Repositories:
    """Reads files of repositories; what was fetched is kept in a folder of this engine's run.

    A branch or tag is looked up once a run, so that all tasks of a run see the same file.
    """

    def __init__(
        self,
        guard: Guard,
        environment: Mapping[str, str] | None = None,
        *,
        fetch_s: float = FETCH_S,
        most_files: int = MOST_FILES,
    ) -> None:
        """Takes of the environment (by default the process's) where programs and authorities are.

        The guard says which hosts may be asked. A fetch has so many seconds; so many files are
        held in memory.
        """
        self._guard = guard
        self._environment = os.environ if environment is None else environment
        self._fetch_s = fetch_s
        self._most_files = most_files
        self._folder: Path | None = None
        self._files: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, repository: str, revision: str, path: str) -> str:
        """Gives a file as it is in a revision.

        Raises:
            NotThere: there is no such thing.
            NotReached: it could not be fetched.
            NotAllowed: the settings do not open its host.
        """
        key = (repository, revision, path)
        if key in self._files:
            self._files.move_to_end(key)
            return self._files[key]
        async with self._locks[repository]:
            if key not in self._files:
                self._files[key] = await self._fetch(_address(repository), revision, path)
                if len(self._files) > self._most_files:
                    self._files.popitem(last=False)
            return self._files[key]

    def close(self) -> None:
        """Removes what was fetched."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _fetch(self, address: str, revision: str, path: str) -> str:
        if not _NAME.fullmatch(revision):
            raise NotThere(f"'{revision[:100]}' is no revision: give a commit hash, tag or branch")
        store = self._folder_of(address)
        name = "refs/kept/" + hashlib.sha256(revision.encode()).hexdigest()
        if not store.exists():
            await self._git("init", "--quiet", "--bare", str(store))
        known = await self._has(store, name)
        if not known:
            address, options = await self._guarded(address)
            await self._git(
                *options, "--git-dir", str(store), "fetch", "--quiet", "--depth=1", "--no-tags",
                "--", address, f"{revision}:{name}",
            )  # fmt: skip
        text = await self._git("--git-dir", str(store), "cat-file", "blob", f"{name}:{path}")
        if len(text) > LARGEST:
            raise NotThere(f"'{path}' has {len(text)} bytes; a script has {LARGEST} at most")
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise NotThere(f"'{path}' is not text in UTF-8") from None

    async def _guarded(self, address: str) -> tuple[str, tuple[str, ...]]:
        """Gives the address as it may be asked, and what keeps git from going elsewhere."""
        if address.startswith("file:") or self._guard.is_open:
            return address, ()
        found = None if _CONTROL.search(address) else _HTTPS.fullmatch(address)
        if found is None:
            raise NotThere(f"'{_USERINFO.sub('://', address)}' is no URL of a repository")
        scheme, user, host, path = found.groups(default="")
        try:
            way = await self._guard.way(f"https://{host}", self._fetch_s)
        except NotAllowed as error:
            raise NotAllowed(f"{scheme}{host} is not called: {error}") from None
        except NotFound as error:
            raise NotReached(f"{scheme}{host} can't be reached: {error}") from None
        except ValueError:
            raise NotThere(f"'{host}' is no host") from None
        options = ["-c", "http.followRedirects=false"]
        if way.addresses:
            # curl's own form: it makes no connection but to these.
            addresses = ",".join(f"[{each}]" if ":" in each else each for each in way.addresses)
            place = f"{way.host}:{way.port}:{addresses}"
            options += ["-c", f"http.curloptResolve={place}"]
        login = f"{user}@" if user else ""
        return way.url.replace("://", f"://{login}", 1) + path, tuple(options)

    async def _has(self, store: Path, name: str) -> bool:
        with contextlib.suppress(NotThere, NotReached):
            await self._git("--git-dir", str(store), "rev-parse", "--verify", "--quiet", name)
            return True
        return False

    def _folder_of(self, address: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="conveyor-git-"))
            (self._folder / "config").write_text(_CONFIG, encoding="utf-8")
        return self._folder / hashlib.sha256(address.encode()).hexdigest()

    async def _git(self, *arguments: str) -> bytes:
        given = self._environment
        environment = {name: given[name] for name in _PASSED_ON if name in given}
        environment |= {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self._folder and self._folder / "config"),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "https:file",
            "HOME": str(self._folder),
            "LC_ALL": "C",
        }
        try:
            process = await asyncio.create_subprocess_exec(
                "git", *arguments, env=environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError:
            raise NotReached(
                "there is no program 'git': install it where the engine runs"
            ) from None
        try:
            async with asyncio.timeout(self._fetch_s):
                output, errors = await process.communicate()
        except TimeoutError:
            raise NotReached(f"git did not answer within {self._fetch_s:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return output
        reason = _reason(errors.decode(errors="replace"))
        if _MOVED.search(reason):
            reason += "; name the address that it leads to, often the same with .git at its end"
        raise (NotThere if _NOT_THERE.search(reason) else NotReached)(reason)


def _address(repository: str) -> str:
    """Gives what git may be told: an https URL, or a folder."""
    if repository.startswith("https://"):
        return repository
    folder = repository.removeprefix("file://")
    if folder.startswith("/"):
        return f"file://{folder}"
    if folder and "://" not in folder and "::" not in folder and Path(folder).is_dir():
        return f"file://{Path(folder).resolve()}"
    raise NotThere(f"'{_USERINFO.sub('://', folder)}' is neither an https URL nor a folder")


def _reason(errors: str) -> str:
    """Gives the lines of git's message that say something, without passwords."""
    lines = [line.removeprefix("fatal: ") for line in errors.splitlines() if line.strip()]
    return _USERINFO.sub("://", "; ".join(lines)[:500]) or "git failed and does not say why"
