"""Encryption at rest: the keys, which a file outside of the database holds, and what they seal.

AES-256-GCM-SIV, of which a nonce that comes twice gives nothing away but that two texts are the
same. A sealed text says which key it was sealed with, and can be opened only where it belongs: in
the row of its own task. See `docs/decisions/0010-secrets-at-rest.md`.
"""

import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import KeyMissing, StoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_LENGTH = 8
MARK = "sealed:1:"
"""What a sealed text begins with; JSON objects and process files can't."""

_HEAD = """\
# The keys of an engine's secrets, the newest last. Who has this file and the database can read
# them; without it nobody can: keep a copy apart from the copies of the database.
"""


def is_sealed(text: str) -> bool:
    """Whether a text is a sealed one."""
    return text.startswith(MARK)


class Keyring:
    """The keys by their ids. The database says which of them seals, all of them open.

    Args:
        file: Where the keys are; None where nobody has said so.
        is_made_on_need: Whether the file is made with a first key when one is needed.
    """

    def __init__(self, file: Path | None = None, *, is_made_on_need: bool = False) -> None:
        self.file = file
        self._is_made_on_need = is_made_on_need
        self._ciphers: dict[str, AESGCMSIV] = {}
        self._current = ""
        self.newest = ""

    @classmethod
    def in_memory(cls) -> "Keyring":
        """Makes a key that is gone with the process, as a database in memory is."""
        keys = cls()
        keys._is_made_on_need = True
        return keys

    # Sealing. HOT.

    def seal(self, text: str, place: str) -> str:
        """Encrypts a text that is kept at this place.

        Raises:
            KeyMissing: there is no key.
        """
        cipher = self._ciphers.get(self._current) or self._ready()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = cipher.encrypt(nonce, text.encode(), place.encode())
        return f"{MARK}{self._current}:{b64encode(nonce + sealed).decode()}"

    def unseal(self, text: str, place: str) -> str:
        """Decrypts what was sealed at this place.

        Raises:
            KeyMissing: the key it was sealed with is not there.
            StoreError: it was changed, or belongs elsewhere.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 -- as in `_cipher`

        key_id, _, body = text.removeprefix(MARK).partition(":")
        cipher = self._ciphers.get(key_id) or self._found(key_id)
        try:
            sealed = b64decode(body, validate=True)
            opened = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreError(
                f"what is kept encrypted for '{place}' was changed, or belongs elsewhere",
                hint="restore it from a backup",
            ) from error
        return opened.decode()

    # Keys.

    @property
    def current(self) -> str:
        """The id of the key that seals; empty while there is none."""
        return self._current

    def make_ready(self) -> None:
        """Sees to it that there is a key to seal with.

        Raises:
            KeyMissing: there is none, and none may be made.
        """
        if not self._current:
            self._ready()

    def use(self, current: str, others: Iterable[str] = ()) -> None:
        """Seals with this key from now on; the others may be needed to open.

        Raises:
            KeyMissing: one of them is not there.
        """
        for key_id in (current, *others):
            self._found(key_id)
        self._current = current

    def read(self) -> None:
        """Reads the file, if there is one.

        Raises:
            KeyMissing: it can't be read, or holds something else.
        """
        if self.file is None:
            return
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise KeyMissing(f"the key file '{self.file}' can't be read: {error}") from None
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                self._add(_key_of(line, f"line {number} of '{self.file}'"))

    def add(self) -> str:
        """Makes a new key and writes it into the file; gives its id.

        Raises:
            KeyMissing: there is no file, or it can't be written.
        """
        key = os.urandom(KEY_BYTES)
        if self.file is not None:
            self.read()
            _append(self.file, b64encode(key).decode())
        elif not self._is_made_on_need:
            raise _no_file()
        self._add(key)
        return self.newest

    def _ready(self) -> "AESGCMSIV":
        if not self.newest:
            self.read()
        if not self.newest:
            if not self._is_made_on_need:
                raise _no_file() if self.file is None else _no_key(self.file)
            self.add()
        self._current = self._current or self.newest
        return self._found(self._current)

    def _found(self, key_id: str) -> "AESGCMSIV":
        """Gives a key, which may have been written into the file since it was read."""
        if key_id not in self._ciphers:
            self.read()
        if key_id not in self._ciphers:
            where = f"not in '{self.file}'" if self.file else "in no key file that is set"
            raise KeyMissing(
                f"the key '{key_id}', with which this database's secrets are encrypted, is {where}",
                hint="set key_file or ENGINE_KEY_FILE to the file that has it; without it what is"
                " secret can't be read any more",
            )
        return self._ciphers[key_id]

    def _add(self, key: bytes) -> None:
        self.newest = sha256(b"conveyor key id" + key).hexdigest()[:_ID_LENGTH]
        if self.newest not in self._ciphers:
            self._ciphers[self.newest] = _cipher(key)


def _cipher(key: bytes) -> "AESGCMSIV":
    # Loaded on use: it takes 20 ms, and most commands need no key.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV  # noqa: PLC0415

    try:
        return AESGCMSIV(key)
    except UnsupportedAlgorithm as error:
        raise StoreError(
            "the package 'cryptography' was built with an OpenSSL that has no AES-GCM-SIV",
            hint="install its wheel: pip install --force-reinstall --only-binary=:all:"
            " cryptography",
        ) from error


def _key_of(line: str, where: str) -> bytes:
    try:
        key = b64decode(line.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (NotBase64, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyMissing(
            f"{where} is no key: expected {KEY_BYTES} bytes in base64",
            hint="make one with 'engine secrets new-key', or 'openssl rand -base64 32'",
        )
    return key


def _append(file: Path, line: str) -> None:
    """Writes a new file in the old one's place: it is never there in part, nor for others."""
    beside = file.with_name(f"{file.name}.new")
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else _HEAD
        beside.unlink(missing_ok=True)
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as writer:
            writer.write(f"{before.rstrip()}\n{line}\n")
            writer.flush()
            os.fsync(writer.fileno())
        beside.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeyMissing(f"the key file '{file}' can't be written: {error.strerror}") from None


def _no_file() -> KeyMissing:
    return KeyMissing(
        "there are secrets to keep, and no key to encrypt them with",
        hint="make one with 'engine secrets new-key --key-file FILE', keep the file outside of the"
        " database, and set key_file or ENGINE_KEY_FILE to it on every machine",
    )


def _no_key(file: Path) -> KeyMissing:
    return KeyMissing(
        f"there are secrets to keep, and no key in '{file}'",
        hint="is the path right? A first key is made by 'engine secrets new-key'",
    )
