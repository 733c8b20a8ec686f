"""Canaries: secrets that are looked for in every byte that a run has written."""

import json
from base64 import b64encode, urlsafe_b64encode
from difflib import SequenceMatcher
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus


class Canaries:
    """Some secrets by name, in every form in which they may get out."""

    def __init__(self, **secrets: str) -> None:
        self._secrets = secrets
        self._forms = {
            name: [each for each in map(str.encode, _forms(secret)) if len(each) > 3]
            for name, secret in secrets.items()
        }

    def __getattr__(self, name: str) -> str:
        return self._secrets[name]

    def in_bytes(self, data: bytes) -> list[str]:
        """Names the canaries that are there, each with the form it was found in."""
        return [
            f"{name}: {form.decode()}"
            for name, forms in self._forms.items()
            for form in forms
            if form in data
        ]

    def in_folder(self, folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
        """Looks into every file, but those that are meant to hold them; gives what it found."""
        found = {}
        for file in sorted(folder.rglob("*")):
            name = str(file.relative_to(folder))
            if file.is_file() and not name.startswith(but):
                there = self.in_bytes(file.read_bytes())
                if there:
                    found[name] = there
        return found


def _forms(secret: str) -> set[str]:
    """Worked out otherwise than the engine does it."""
    percent = quote(secret, safe="")
    forms = {
        secret,
        secret[:20],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        escape(secret),
        percent,
        quote(secret),
        quote_plus(secret),
        _lower_percent(percent),
        _lower_percent(quote_plus(secret)),
        secret.encode().hex(),
        secret.encode().hex().upper(),
    }
    for encode in (b64encode, urlsafe_b64encode):
        forms |= {_whatever_stands_beside(secret, encode, before) for before in range(3)}
    return forms


def _lower_percent(text: str) -> str:
    first, *parts = text.split("%")
    return first + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts)


def _whatever_stands_beside(secret: str, encode, before: int) -> str:
    one = encode(b"\0" * before + secret.encode() + b"\0\0").decode()
    other = encode(b"\xff" * before + secret.encode() + b"\xff\xff").decode()
    match = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
    return one[match.a : match.a + match.size]
