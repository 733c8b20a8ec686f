"""Whether the machine gives the engine what it needs: port, disk, open files, a way in."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from engine.doctor.finding import Finding, Severity, warning
from engine.settings import Settings

LITTLE_MB, LOW_MB = 256, 1024
LEAST_FILES, FEW_FILES = 256, 1024
PATIENCE_S = 3.0
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs"})
_MEMORY = frozenset({"tmpfs", "ramfs"})


def examine_disk(folder: Path, mounts: Path = Path("/proc/mounts")) -> Iterator[Finding]:
    """Looks at the folder of a database file: room, rights, and what kind of disk it is."""
    if not folder.is_dir():
        yield Finding(
            "disk", f"the folder '{folder}' of the database is not there",
            "create it, or name another place with --database or ENGINE_DATABASE",
        )  # fmt: skip
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            "disk", f"this user may not write to '{folder}'",
            "the database needs files beside it: run the engine as the owner of the folder",
        )  # fmt: skip
    yield from told_of_room(shutil.disk_usage(folder).free // 2**20, folder)
    kind = _kind_of_disk(folder.resolve(), mounts)
    if kind in _NETWORK:
        yield Finding(
            "disk", f"'{folder}' is on a network drive ({kind}), where SQLite can lose data",
            "put the database on a disk of this machine, or use PostgreSQL",
        )  # fmt: skip
    elif kind in _MEMORY:
        yield warning(
            "disk", f"'{folder}' is in memory ({kind}): a power cut or a restart loses all tasks",
            "put the database on a disk",
        )  # fmt: skip


def told_of_room(free_mb: int, folder: Path) -> Iterator[Finding]:
    """Says so where a disk is nearly full: what does not fit is refused by the engine."""
    if free_mb >= LOW_MB:
        return
    severity = Severity.ERROR if free_mb < LITTLE_MB else Severity.WARNING
    yield Finding(
        "disk", f"{free_mb:,} MB are free on the disk of '{folder}'",
        "make room, or shorten the processes' 'retention': a full disk refuses every request",
        severity,
    )  # fmt: skip


def _kind_of_disk(folder: Path, mounts: Path) -> str:
    """Gives the kind of file system of a folder; empty where the system does not tell."""
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
            parts = line.split()
            if len(parts) < 3:
                continue
            place = parts[1].replace("\\040", " ")
            if folder.is_relative_to(place) and len(place) >= len(best):
                best, kind = place, parts[2]
    return kind


def examine_open_files(pid: int | None) -> Iterator[Finding]:
    """Looks how many files and connections the serving engine, or one started here, may open."""
    limit = _limit_of(pid)
    if limit is None or limit >= FEW_FILES:
        return
    yield Finding(
        "open_files", f"at most {limit:,} files and connections may be open at once",
        "raise it: 'ulimit -n 8192' before the start, or LimitNOFILE=8192 of the service",
        Severity.ERROR if limit < LEAST_FILES else Severity.WARNING,
    )  # fmt: skip


def _limit_of(pid: int | None) -> int | None:
    if pid is not None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
            return int(next(line for line in lines if line.startswith("Max open files")).split()[3])
    try:
        import resource  # noqa: PLC0415 -- absent on Windows
    except ImportError:
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


async def examine_port(settings: Settings) -> Finding | None:
    """Looks whether an engine could listen, unless the one that does is ours."""
    host, port = settings.host, settings.port
    if port == 0:
        return None
    why = await asyncio.to_thread(_why_not_free, host, port)
    if not why or await status(host, port, "/health") == 200:
        return None
    return Finding(
        "port", f"an engine can't listen on {host}:{port}: {why}",
        "choose another port or host: --port, --host, ENGINE_PORT, ENGINE_HOST",
    )  # fmt: skip


def _why_not_free(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


async def examine_service(url: str, pid: int) -> Finding | None:
    """Asks the engine that serves the database on this machine how it is."""
    host, port = _place_of(url)
    answer = await status(host, port, "/ready")
    if answer == 200:
        return None
    said = "does not answer" if answer is None else f"takes no requests now (HTTP {answer})"
    return Finding(
        "service", f"the engine at {url} (process {pid}) {said}",
        "see its log; if it stays so, restart it: nothing that was acknowledged is lost",
    )  # fmt: skip


async def examine_way_in(url: str) -> Finding | None:
    """Looks whether the host of the public URL can be reached from here."""
    host, port = _place_of(url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().getaddrinfo(host, port)
    except (OSError, TimeoutError):
        return Finding(
            "public_url", f"nobody knows the host '{host}' of public_url",
            "correct public_url, or the DNS entry: callbacks can't find the engine",
        )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except (OSError, TimeoutError):
        return warning(
            "public_url", f"nothing answers at {url} from here",
            "does the proxy run? Some networks do not let a machine reach itself from outside",
        )  # fmt: skip
    return None


async def status(host: str, port: int, path: str) -> int | None:
    """Asks for a path over HTTP; gives the status of the answer, if there is one."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                line = await reader.readline()
            finally:
                writer.close()
            return int(line.split()[1]) if line.startswith(b"HTTP/1.") else None
    except (OSError, TimeoutError, ValueError, IndexError):
        return None


def _place_of(url: str) -> tuple[str, int]:
    scheme, _, rest = url.partition("://")
    place = rest.partition("/")[0].rpartition("@")[2]
    host, _, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not host or not port.isdigit():
        return place.strip("[]"), 443 if scheme == "https" else 80
    return host.strip("[]"), int(port)
