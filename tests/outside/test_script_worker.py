"""The worker's own work, in this process; what confines it is left out."""

import io
import json
import subprocess
import sys

import pytest

from engine.outside.scripts import libraries
from engine.outside.scripts.frame import Job, Kind, pack, read_job
from engine.outside.scripts.worker import Answer, Harness, line, run

JOB = Job(60.0, 64 * 2**20, 10_000, b"data.b = 1", b'{"a":1}', b'{"ref":"r"}', b"")
LAUNCH = """
import sys
sys.path[:] = {path!r}
from engine.outside.scripts import confine
confine.confine()
confine.close_the_door()
{attempt}
"""


@pytest.fixture(scope="module")
def harness():
    return Harness()


@pytest.fixture
def answer(harness):
    def answer(source, **more):
        return run(JOB._replace(source=source.encode(), **more), harness, harness.interpreter())

    return answer


def test_a_job_is_read_as_it_was_written():
    job = Job(0.5, 1024, 99, "é\0".encode(), b"{}", b"", b"handle", is_module=True)

    assert read_job(io.BytesIO(pack(job))) == job


@pytest.mark.parametrize("text", [b"", b"half a head"])
def test_there_are_no_more_jobs_when_the_engine_is_gone(text):
    assert read_job(io.BytesIO(text)) is None


def test_an_answer_is_one_line():
    assert line(Answer(Kind.RESULT, '{"a":1}')) == b'R{"a":1}\n'
    assert line(Answer(Kind.EXCEPTION, 'a\n"b"')) == b'E"a\\n\\"b\\""\n'
    assert len(line(Answer(Kind.EXCEPTION, "x" * 1_000_000))) < 2100


def test_a_result_is_json(answer):
    kind, text = answer("data.b = 1")

    assert (kind, json.loads(text)) == (Kind.RESULT, {"a": 1, "b": 1})


@pytest.mark.parametrize(
    ("source", "more", "expected"),
    [
        ("throw 1", {}, Answer(Kind.EXCEPTION, "1")),
        ("throw null", {}, Answer(Kind.EXCEPTION, "null")),
        ("return 1", {}, Answer(Kind.FORMAT, "the result must be an object, not a number")),
        ("data.b = 'x'.repeat(10000)", {}, Answer(Kind.TOO_LARGE, "10014")),
        ("while (true) {}", {"time_limit_s": 0.05}, Answer(Kind.TIMEOUT, "")),
        ("'x'.repeat(5e6)", {"memory_bytes": 2**20}, Answer(Kind.MEMORY, "")),
        ("data.b = {toJSON() { return 'x'.repeat(5e6) }}", {"memory_bytes": 2**20},
         Answer(Kind.MEMORY, "")),
        ("String.prototype.toJSON = () => undefined; Array.prototype.toJSON = () => 1; throw 'x'",
         {}, Answer(Kind.EXCEPTION, "the script spoilt what carries its result")),
        ("(", {}, Answer(Kind.EXCEPTION, "SyntaxError: unexpected token in expression: '}'"
         " (line 2)")),
    ],
)  # fmt: skip
def test_what_becomes_of_a_job_is_told(answer, source, more, expected):
    assert answer(source, **more) == expected


def test_a_null_that_is_thrown_out_of_memory_is_told_from_one_of_the_script(harness, monkeypatch):
    monkeypatch.setattr(harness, "grown", lambda: 60 * 2**20)

    thrown = run(JOB._replace(source=b"throw null"), harness, harness.interpreter())

    assert thrown == Answer(Kind.MEMORY, "")


def test_a_library_is_sent_to_the_scripts_that_name_it_only():
    assert libraries.named_in("data.a = 'libs/nothing.js'") == []
    assert [name for name, _ in libraries.named_in("require('libs/md5.js')")] == ["libs/md5.js"]


def test_every_library_is_there_and_has_a_licence():
    libraries.read_all()
    page = (libraries.FOLDER / "LICENSES.md").read_text(encoding="utf-8")

    unnamed = {path.stem for path in libraries.FOLDER.glob("*.js") if f"`{path.stem}`" not in page}

    assert unnamed == set()


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "import socket; socket.socket()",
        "import os; os.pipe()",
        "import os; os.open('/tmp/x', os.O_CREAT | os.O_WRONLY)",
        "x = bytearray(2 * 1024 ** 3)",
    ],
)
def test_a_worker_has_given_up_what_a_script_might_reach_by_a_hole(attempt):
    text = LAUNCH.format(path=[each for each in sys.path if each], attempt="")
    spoilt = LAUNCH.format(path=[each for each in sys.path if each], attempt=attempt)

    runs = [
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", each], env={}, capture_output=True, check=False
        )
        for each in (text, spoilt)
    ]

    assert [each.returncode for each in runs] == [0, 1]


def test_a_worker_ends_when_its_engine_is_gone():
    text = (
        f"import sys; sys.path[:] = {[each for each in sys.path if each]!r}; "
        "from engine.outside.scripts.worker import main; main()"
    )
    command = [sys.executable, "-I", "-S", "-c", text]

    ended = subprocess.run(command, input=pack(JOB), env={}, capture_output=True, check=True)

    assert ended.stdout == b'ready\nR{"a":1,"b":1}\n'
