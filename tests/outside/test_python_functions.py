"""Python functions in real processes: what they see, give and may not."""

import asyncio
import json
import platform
import sys

import pytest

from engine.core.command import RunScript, ScriptAnswer, ScriptFailed, ScriptFailure
from engine.outside.scripts import python_worker
from engine.outside.scripts.frame import Job, Kind
from engine.outside.scripts.functions import PythonFunctions
from engine.outside.scripts.worker import Answer

PLENTY_S = 60.0
JOB = Job(PLENTY_S, 64 * 2**20, 10_000, b"", b'{"a":1}', b"", b"")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="Python functions run where seccomp is",
)


@pytest.fixture
def functions():
    return PythonFunctions(10_000, 2)


def script(source, function="", time_limit_s=PLENTY_S):
    return RunScript(source, b'{"a":1}', b"{}", time_limit_s, 64 * 2**20, function)


def handle(body):
    return "def handle(data):\n" + "\n".join(f"    {row}" for row in body.splitlines())


async def test_a_function_makes_of_the_data_what_it_says(functions):
    expected = {
        handle("data['b'] = data['a'] + 1; return data"): ScriptAnswer({"b": 2}),
        handle("data['b'] = 'é'"): ScriptAnswer({"b": "é"}),
        handle("return {'n': 1.5}"): ScriptAnswer({"n": 1.5}, ("a",)),
        handle("print('x' * 100000); return {}"): ScriptAnswer({}, ("a",)),
        handle("import decimal, re, statistics; data['b'] = statistics.mean([1, 2, 3])"):
            ScriptAnswer({"b": 2}),
        handle("import os; data['b'] = sorted({*os.environ} - {'LC_CTYPE'})"):
            ScriptAnswer({"b": ["TZ"]}),
        handle("data['b'] = 2 ** 64"): ScriptAnswer({"b": 2**64}),
    }  # fmt: skip

    answers = await asyncio.gather(*(functions.perform(script(source)) for source in expected))

    assert dict(zip(expected, answers, strict=True)) == expected


async def test_a_function_is_called_by_its_name(functions):
    source = "def one(data): return {'b': 1}\ndef two(data): return {'b': 2}"

    assert await functions.perform(script(source, "two")) == ScriptAnswer({"b": 2}, ("a",))


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        (handle("while True: pass"), ScriptFailure.TIMEOUT),
        (handle("while True:\n  try:\n    while True: pass\n  except BaseException: pass"),
         ScriptFailure.TIMEOUT),
        (handle("import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"),
         ScriptFailure.EXCEPTION),
        (handle("import signal; signal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass"),
         ScriptFailure.EXCEPTION),
        (handle("import re; re.match(r'(a+)+$', 'a' * 50 + 'b')"), ScriptFailure.TIMEOUT),
        (handle("return {'x': 10 ** 10 ** 8}"), ScriptFailure.TIMEOUT),
        (handle("x = []\nwhile True: x.append('x' * 1000000)"), ScriptFailure.MEMORY),
        (handle("x = 'x' * 10 ** 10"), ScriptFailure.MEMORY),
        (handle("class A:\n  def __str__(self):\n    while True: pass\n"
                "class E(Exception):\n  __str__ = A.__str__\nraise E"), ScriptFailure.TIMEOUT),
        (handle("open('/etc/passwd')"), ScriptFailure.EXCEPTION),
        (handle("open('/tmp/made', 'w')"), ScriptFailure.EXCEPTION),
        (handle("import os; os.fork()"), ScriptFailure.EXCEPTION),
        (handle("import os; os.execv('/bin/sh', ['sh'])"), ScriptFailure.EXCEPTION),
        (handle("import os; os.kill(os.getppid(), 9)"), ScriptFailure.EXCEPTION),
        (handle("import os; os.kill(1, 0)"), ScriptFailure.EXCEPTION),
        (handle("import os; os.listdir('/')"), ScriptFailure.EXCEPTION),
        (handle("import os; assert os.system('true') == 0"), ScriptFailure.EXCEPTION),
        (handle("import socket"), ScriptFailure.EXCEPTION),
        (handle("import subprocess"), ScriptFailure.EXCEPTION),
        (handle("import _socket; _socket.socket()"), ScriptFailure.EXCEPTION),
        (handle("import _thread; _thread.start_new_thread(print, ())"), ScriptFailure.EXCEPTION),
        (handle("import ctypes; ctypes.CDLL(None).ptrace(16, 1, 0, 0) + 1 or [][0]"),
         ScriptFailure.EXCEPTION),
        (handle("import ctypes; ctypes.string_at(0)"), ScriptFailure.DIED),
        (handle("import os; os._exit(0)"), ScriptFailure.DIED),
        (handle("import os; os.close(1); os.close(0); return {}; "), None),
        (handle("raise SystemExit(0)"), ScriptFailure.EXCEPTION),
        (handle("raise KeyboardInterrupt"), ScriptFailure.EXCEPTION),
        (handle("import sys; sys.setrecursionlimit(10 ** 9)\n"
                "def f(): return f()\nf()"), None),
        (handle("return handle(data)"), ScriptFailure.EXCEPTION),
        (handle("return 5"), ScriptFailure.FORMAT),
        (handle("return {'x': data.keys()}"), ScriptFailure.FORMAT),
        (handle("return {'x': float('nan')}"), ScriptFailure.FORMAT),
        (handle("data['x'] = data; return data"), ScriptFailure.FORMAT),
        (handle("return {'x': '\\ud800'}"), None),
        (handle("return {'x': 'x' * 20000}"), ScriptFailure.TOO_LARGE),
        (handle("return {1: 2, None: 3}"), None),
        ("while True: pass", ScriptFailure.TIMEOUT),
        ("raise ValueError", ScriptFailure.EXCEPTION),
        ("handle = 1", ScriptFailure.EXCEPTION),
        ("import", ScriptFailure.EXCEPTION),
        ("(" * 100000, ScriptFailure.EXCEPTION),
        ("\0", ScriptFailure.EXCEPTION),
    ],
)  # fmt: skip
async def test_a_function_that_means_harm_fails_by_itself(functions, source, failure):
    answer = await functions.perform(script(source, time_limit_s=0.5))

    if failure is not None:
        assert isinstance(answer, ScriptFailed), answer
        assert answer.failure is failure, answer


async def test_an_exception_is_told_with_its_line(functions):
    answers = [
        await functions.perform(script(source))
        for source in ("def handle(data):\n    return 1 / 0", "def f(:", "x = 1")
    ]

    assert [answer.description for answer in answers] == [
        "ZeroDivisionError: division by zero (line 2)",
        "SyntaxError: invalid syntax (usercode, line 1) (line 1)",
        "the file has no function 'handle'",
    ]


async def test_functions_wait_for_a_free_process(functions):
    source = handle("data['b'] = data['a']")

    answers = await asyncio.gather(*(functions.perform(script(source)) for _ in range(5)))

    assert answers == [ScriptAnswer({"b": 1})] * 5


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("def handle(data): return {'b': data['a']}", Answer(Kind.RESULT, '{"b":1}')),
        ("def handle(data): data.clear()", Answer(Kind.RESULT, "{}")),
        ("def handle(data): raise MemoryError", Answer(Kind.MEMORY, "")),
        (
            "def handle(data): return [1]",
            Answer(Kind.FORMAT, "the result must be a dict, not list"),
        ),
        ("def handle(data): return {'b': 'x' * 10000}", Answer(Kind.TOO_LARGE, "10008")),
        (
            "def handle(data): return {'b': {1, 2}}",
            Answer(
                Kind.FORMAT,
                "the result can't be written as JSON: Object of type set is not JSON serializable",
            ),
        ),
        (
            "def handle(data):\n  raise ValueError('no')",
            Answer(Kind.EXCEPTION, "ValueError: no (line 2)"),
        ),
        (
            "x = = 1",
            Answer(Kind.EXCEPTION, "SyntaxError: invalid syntax (usercode, line 1) (line 1)"),
        ),
        ("handle = None", Answer(Kind.EXCEPTION, "the file has no function 'handle'")),
    ],
)
def test_what_becomes_of_a_function_is_told(source, answer):
    assert python_worker.run(JOB._replace(source=source.encode())) == answer


def test_what_a_function_may_import_is_there():
    for name in python_worker.LIBRARY:
        __import__(name)

    assert json.loads(python_worker.run(JOB._replace(source=b"def handle(d): pass")).text) == {
        "a": 1
    }
