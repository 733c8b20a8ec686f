import os
import subprocess
import sys

import pytest

from engine.core.command import CallFailure
from engine.outside.http import TransportKind, open_transport
from engine.outside.httpx_transport import HttpxTransport
from engine.outside.pyreqwest_transport import PyreqwestTransport


@pytest.fixture
def without_pyreqwest(monkeypatch):
    monkeypatch.delitem(sys.modules, "engine.outside.pyreqwest_transport")
    monkeypatch.setitem(sys.modules, "pyreqwest.client", None)


def test_fast_transport_is_the_default():
    assert isinstance(open_transport(), PyreqwestTransport)


def test_httpx_is_the_default_where_pyreqwest_is_not_installed(without_pyreqwest):
    assert isinstance(open_transport(), HttpxTransport)


def test_transport_asked_for_by_name_is_not_replaced(without_pyreqwest):
    with pytest.raises(ImportError):
        open_transport(TransportKind.PYREQWEST)


async def test_machine_without_certificate_authorities_is_told_what_to_do(
    monkeypatch, tmp_path, make_call
):
    (tmp_path / "none.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    failed = await PyreqwestTransport().send(make_call("https://127.0.0.1/"))

    assert failed.failure is CallFailure.INVALID
    assert "install its ca-certificates" in failed.description


def test_a_machine_without_certificate_authorities_can_still_call():
    script = (
        "from engine.outside.clients import Setup\n"
        "from engine.outside.pyreqwest_transport import _open_client\n"
        "print(_open_client(Setup(True, None, 10.0)) is not None)\n"
    )
    nowhere = {"SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": "/nowhere"}

    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | nowhere, capture_output=True, check=False
    )

    assert done.stdout == b"True\n", done.stderr
