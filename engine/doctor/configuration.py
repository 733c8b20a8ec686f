"""Whether the settings can be used, and lead to where they should."""

import ipaddress
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

from engine.addresses import EVERYTHING
from engine.definition import Loaded, load_files
from engine.doctor.finding import Finding, counted, warning
from engine.errors import SettingsError
from engine.settings import PREFIX, Role, Settings, unknown_variables


def examine_settings(
    settings: Settings, faults: Iterable[SettingsError], environment: Mapping[str, str]
) -> Iterator[Finding]:
    """Tells every setting that can't be used, and every variable that nothing reads."""
    for fault in faults:
        yield Finding("settings", str(fault), fault.hint or "see docs/operations.md for all keys")
    for name, near in unknown_variables(environment):
        yield warning(
            "settings",
            f"the variable {name} is read by nothing" + (f"; is {near} meant?" if near else ""),
            f"settings are {PREFIX}… and the keys of docs/operations.md",
        )
    if EVERYTHING in settings.allow_hosts:
        yield warning(
            "settings",
            "allow_hosts: '*' opens every host to processes, those of the inside too",
            "name the hosts that processes need, or their networks",
        )
    yield from _examine_role(settings)
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.name.endswith("_file") and value:
            yield from _examine_file(each.name, Path(str(value)))


def _examine_role(settings: Settings) -> Iterator[Finding]:
    if settings.role is Role.ALL:
        return
    if settings.database.startswith("sqlite"):
        yield Finding(
            "settings", f"role: '{settings.role}' needs a database that engines can share",
            "a SQLite file has one engine, which does all of the work: leave role out",
        )  # fmt: skip
    elif settings.role is Role.WORKER and not settings.public_url:
        yield Finding(
            "settings", "role: a worker gives out callback URLs, and public_url is not set",
            "set public_url to the address of the engines that take callbacks",
        )  # fmt: skip


def _examine_file(name: str, file: Path) -> Iterator[Finding]:
    """What a file of secrets should be: there, readable by the engine, and by nobody else."""
    try:
        with file.open("rb") as opened:
            opened.read(1)
            mode = os.fstat(opened.fileno()).st_mode
    except OSError as error:
        yield Finding(
            "files", f"{name}: '{file}' can't be read: {error.strerror}",
            "is the path right, and may the engine's user read it?",
        )  # fmt: skip
        return
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        yield warning(
            "files", f"{name}: others on this machine may read '{file}'", f"chmod 600 {file}"
        )


def examine_folder(folder: Path) -> Iterator[Finding]:
    """Looks whether the process files could be put into force."""
    if not folder.is_dir():
        yield Finding(
            "processes", f"the folder '{folder}' of process files is not there",
            "name it with --processes or ENGINE_PROCESSES, or make a workspace: engine init",
        )  # fmt: skip
        return
    loaded: Loaded = load_files([folder])
    if loaded.errors:
        more = len(loaded.errors) - 1
        yield Finding(
            "processes",
            f"{loaded.errors[0]}" + (f", and {counted(more, 'more fault')}" if more else ""),
            "'engine check' shows every fault; 'engine serve' does not start with them",
        )


def examine_public_url(settings: Settings, *, takes_callbacks: bool) -> Iterator[Finding]:
    """Looks whether the outside could use the callback URLs that are given out."""
    parts = urlsplit(settings.base_url)
    host = parts.hostname or ""
    if is_local(host):
        if takes_callbacks:
            yield warning(
                "public_url",
                f"callback URLs begin with {settings.base_url}, which only this machine reaches",
                "set public_url to what the outside calls, such as https://engine.example.com",
            )
    elif _is_any(host):
        yield Finding(
            "public_url", f"callback URLs begin with {settings.base_url}, which nobody reaches",
            "set public_url to what the outside calls, such as https://engine.example.com",
        )  # fmt: skip
    elif parts.scheme == "http":
        yield warning(
            "public_url", f"callbacks to {settings.base_url} can be read on their way",
            "put a proxy with TLS before the engine, and begin public_url with https://",
        )  # fmt: skip


def is_local(host: str) -> bool:
    """Whether an address is one of this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
