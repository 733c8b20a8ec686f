import os
import subprocess
import sys

import pytest

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
