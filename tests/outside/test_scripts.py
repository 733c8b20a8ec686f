"""Scripts in real worker processes: what they see, give and may not."""

import asyncio
import json
import os
import subprocess
import sys

import psutil
import pytest

from engine.core.command import RunScript, ScriptAnswer, ScriptFailed, ScriptFailure
from engine.outside.scripts.frame import Job
from engine.outside.scripts.pool import ScriptPool
from engine.outside.scripts.process import WorkerDied, WorkerProcess
from engine.outside.scripts.result import read_result

PLENTY_S = 60.0
BACK = (
    "CryptoJS.{0}.decrypt(CryptoJS.{0}.encrypt('a', 'k').toString(), 'k')"
    ".toString(CryptoJS.enc.Utf8)"
)


@pytest.fixture
async def pool():
    opened = ScriptPool(10_000, 2)
    yield opened
    await opened.aclose()


def script(source, data=None, meta=None, time_limit_s=PLENTY_S, memory=64 * 2**20, function=None):
    return RunScript(
        source,
        json.dumps(data if data is not None else {"a": 1}).encode(),
        json.dumps(meta or {"ref": "order-1"}).encode(),
        time_limit_s,
        memory,
        function,
    )


def changes(**names):
    return ScriptAnswer(names)


def failed(failure, text):
    return ScriptFailed(failure, text)


async def test_scripts_make_of_their_data_what_they_say(pool):
    expected = {
        "data.a += 1; data.b = [data.a]": changes(a=2, b=[2]),
        "": ScriptAnswer({}),
        "// nothing": ScriptAnswer({}),
        "'use strict'; data.b = 'é\\u2028\\n'": changes(b="é\u2028\n"),
        "delete data.a": ScriptAnswer({}, ("a",)),
        "data = {n: 1}": ScriptAnswer({"n": 1}, ("a",)),
        "var data = {n: 1}": ScriptAnswer({"n": 1}, ("a",)),
        "return {n: 1}": ScriptAnswer({"n": 1}, ("a",)),
        "return": ScriptAnswer({}),
        "return undefined": ScriptAnswer({}),
        "if (data.a) { data.b = 1; return; } data.b = 2": changes(b=1),
        "data.ref = data.__root.ref": changes(ref="order-1"),
        "data.b = {d: new Date(0), n: NaN, i: 1/0, u: undefined}": changes(
            b={"d": "1970-01-01T00:00:00.000Z", "n": None, "i": None}
        ),
        "data.b = [undefined, function () {}]": changes(b=[None, None]),
        "data.b = 2 ** 53; data.c = 0.1 + 0.2; data.d = -0": changes(
            b=9007199254740992, c=0.30000000000000004, d=0
        ),
        "Promise.resolve().then(function () { data.b = 1 })": changes(b=1),
        "return Promise.resolve({a: 1, b: 2})": changes(b=2),
        "return (async () => { await null; data.b = 3; })()": changes(b=3),
        "console.log('x'); console.error(1); data.b = typeof console.table": changes(b="function"),
        "data.b = typeof fetch + typeof process + typeof setTimeout + typeof std": changes(
            b="undefined" * 4
        ),
        "data.b = new Date(2020, 0, 1).toISOString()": changes(b="2020-01-01T00:00:00.000Z"),
        "data.b = data?.c ?? 'none'": changes(b="none"),
    }

    answers = await asyncio.gather(*(pool.perform(script(source)) for source in expected))

    assert dict(zip(expected, answers, strict=True)) == expected


async def test_scripts_that_fail_say_why(pool):
    exception, wrong = ScriptFailure.EXCEPTION, ScriptFailure.FORMAT
    expected = {
        "\n\nnull.x": failed(exception, "TypeError: cannot read property 'x' of null (line 3)"),
        "throw 'no'": failed(exception, "no"),
        "throw null": failed(exception, "null"),
        "throw undefined": failed(exception, "undefined"),
        "throw {message: 'm', name: 'N'}": failed(exception, "N: m"),
        "throw {toString() { throw 1 }}": failed(
            exception, "an exception that can't be shown as text"
        ),
        "return Promise.reject(new Error('no'))": failed(exception, "Error: no (line 1)"),
        "return new Promise(() => {})": failed(exception, "the promise it returned is never kept"),
        "return null": failed(wrong, "the result must be an object, not null"),
        "return 5": failed(wrong, "the result must be an object, not a number"),
        "return [1]": failed(wrong, "the result must be an object, not an array"),
        "return () => 1": failed(wrong, "the result must be an object, not a function"),
        "data.b = data": failed(
            wrong, "the result can't be written as JSON: TypeError: circular reference"
        ),
        "return {toJSON() { return undefined }}": failed(
            wrong, "the result can't be read as JSON: Expected `object`, got `null`"
        ),
        "return new Date()": failed(
            wrong, "the result can't be read as JSON: Expected `object`, got `str`"
        ),
        "data.b = 'x'.repeat(20000)": failed(ScriptFailure.TOO_LARGE, "20014"),
        "data.b = '\u2028'.repeat(5000)": failed(ScriptFailure.TOO_LARGE, "15014"),
    }

    answers = await asyncio.gather(*(pool.perform(script(source)) for source in expected))

    assert dict(zip(expected, answers, strict=True)) == expected


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        ("let x = ;", ScriptFailure.EXCEPTION),
        ("(function f() { return f() + 1 })()", ScriptFailure.EXCEPTION),
        ("data.b = 1n", ScriptFailure.FORMAT),
        (r"data.b = '\ud800'", ScriptFailure.FORMAT),
        ("throw 'x'.repeat(1e6)", ScriptFailure.EXCEPTION),
        ("for (var o = data, i = 0; i < 5000; i++) o = o.o = {}", ScriptFailure.FORMAT),
    ],
)
async def test_a_script_that_cannot_go_well_fails_by_itself(pool, source, failure):
    answer = await pool.perform(script(source))

    assert answer.failure is failure
    assert 0 < len(answer.description) < 2_100


async def test_the_limits_end_a_script(pool):
    endless = script("while (true) {}", time_limit_s=0.05)
    native = script("new Array(1e9).join('x')", time_limit_s=0.05)
    hungry = script("var a = []; while (true) a.push(new Array(1000).fill(1))", memory=8 * 2**20)

    answers = [await pool.perform(each) for each in (endless, native, hungry)]

    assert [answer.failure for answer in answers] == ["timeout", "timeout", "memory"]


async def test_what_a_script_leaves_behind_is_not_there_for_the_next(pool):
    spoil = "Object.prototype.evil = 1; Array.prototype.map = null; JSON.parse = null; leak = 1"
    look = "data.b = [typeof leak, ({}).evil === undefined, typeof [].map, typeof JSON.parse]"

    for _ in range(4):
        await pool.perform(script(spoil))
    answers = [await pool.perform(script(look)) for _ in range(4)]

    assert answers == [changes(b=["undefined", True, "function", "function"])] * 4


async def test_a_script_that_spoils_its_tools_spoils_its_own_result_at_most(pool):
    source = (
        "JSON.stringify = () => '{}'; JSON.parse = null; Array.isArray = () => true; data.b = 1"
    )

    assert await pool.perform(script(source)) == changes(b=1)


async def test_others_go_on_beside_scripts_that_break_their_limits(pool):
    endless = [
        pool.perform(script(f"while (true) {{}} // {n}", time_limit_s=0.05)) for n in range(6)
    ]
    good = [pool.perform(script("data.b = data.a", {"a": n})) for n in range(100)]

    broken, fine = await asyncio.gather(asyncio.gather(*endless), asyncio.gather(*good))

    assert {answer.failure for answer in broken} == {ScriptFailure.TIMEOUT}
    assert fine == [changes(b=n) for n in range(100)]


async def test_one_that_is_given_up_leaves_the_line(pool):
    waiting = [asyncio.ensure_future(pool.perform(script("data.b = 1"))) for _ in range(20)]
    await asyncio.sleep(0)
    for each in waiting[5:]:
        each.cancel()

    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert answers[:5] == [changes(b=1)] * 5
    assert await pool.perform(script("data.b = 2")) == changes(b=2)


async def test_a_closed_pool_answers_what_was_out():
    pool = ScriptPool(10_000, 2)
    out = [
        asyncio.ensure_future(pool.perform(script(f"while (true) {{}} // {n}"))) for n in range(9)
    ]
    await asyncio.sleep(0)

    await pool.aclose()

    answers = await asyncio.gather(*out)
    assert {answer.failure for answer in answers} == {ScriptFailure.DIED}
    assert (await pool.perform(script("1"))).failure is ScriptFailure.DIED


@pytest.mark.parametrize(
    ("name", "expression", "value"),
    [
        ("md5", "CryptoJS.MD5('a').toString()", "0cc175b9c0f1b6a831c399e269772661"),
        ("sha1", "CryptoJS.SHA1('a').toString()", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("sha256", "CryptoJS.SHA256('a').toString().slice(0, 8)", "ca978112"),
        ("sha512", "CryptoJS.SHA512('a').toString().slice(0, 8)", "1f40fc92"),
        ("hmac-md5", "CryptoJS.HmacMD5('a', 'k').toString().slice(0, 8)", "ddcf3d21"),
        ("hmac-sha1", "CryptoJS.HmacSHA1('a', 'k').toString().slice(0, 8)", "40e7d441"),
        ("hmac-sha256", "CryptoJS.HmacSHA256('a', 'k').toString().slice(0, 8)", "78da9151"),
        ("base64", "CryptoJS.enc.Base64.stringify(CryptoJS.enc.Utf8.parse('é'))", "w6k="),
        ("aes", BACK.format("AES"), "a"),
        ("tripledes", BACK.format("TripleDES"), "a"),
        ("rc4", BACK.format("RC4"), "a"),
        ("rabbit", BACK.format("Rabbit"), "a"),
        ("moment", "moment.utc(0).format('YYYY-MM-DD')", "1970-01-01"),
        ("moment-timezone", "moment.tz(1e12, 'Europe/Kyiv').format('HH:mm')", "04:46"),
        ("moment-with-locales", "moment.utc(0).locale('uk').format('MMMM')", "січень"),
        ("xregexp", "XRegExp('^\\\\p{Lu}').test('Ж')", True),
    ],
)  # fmt: skip
async def test_a_library_is_there_when_it_is_required(pool, name, expression, value):
    """spec: Code, point 4."""
    source = f"data.r = [require('libs/{name}.js') === undefined, {expression}]"

    assert await pool.perform(script(source)) == changes(r=[True, value])


async def test_two_libraries_share_their_global_name(pool):
    source = """require("libs/sha1.js"); require("libs/hmac-sha256.js"); require("libs/sha1.js");
        data.b = [typeof CryptoJS.SHA1, typeof CryptoJS.HmacSHA256]"""

    assert await pool.perform(script(source)) == changes(b=["function", "function"])


async def test_what_is_no_library_is_named_with_those_there_are(pool):
    answer = await pool.perform(script("require('fs')"))

    assert answer.failure is ScriptFailure.EXCEPTION
    assert answer.description.startswith("Error: there is no library 'fs'; write require(")
    assert "moment-timezone" in answer.description


async def test_a_function_of_a_module_is_called_with_the_data(pool):
    source = "exports.add = (data) => { data.b = data.a + 1; return data }; exports.no = 1"

    answers = [
        await pool.perform(script(source, function="add")),
        await pool.perform(script("module.exports = async (d) => ({b: d.a})", function="")),
        await pool.perform(script("export default function (d) { d.b = 5 }", function="")),
        await pool.perform(script(source, function="no")),
    ]

    assert answers == [
        changes(b=2),
        ScriptAnswer({"b": 1}, ("a",)),
        changes(b=5),
        failed(ScriptFailure.EXCEPTION, "the file exports no function 'no'"),
    ]


async def test_a_worker_that_ends_by_itself_costs_its_script_two_tries(monkeypatch):
    """A script that ends its worker each time is answered; what stood behind it goes on."""
    pool = ScriptPool(10_000, 1)  # of two, the one that lives might be the sooner
    started = []
    start = WorkerProcess.start

    async def start_and_end(largest, module):
        worker = await start(largest, module)
        started.append(worker)
        if len(started) <= 2:
            worker._process.kill()
            await worker._process.wait()
        return worker

    monkeypatch.setattr(WorkerProcess, "start", start_and_end)

    first = await pool.perform(script("data.b = 1"))
    second = await pool.perform(script("data.b = 2"))
    await pool.aclose()

    assert first == failed(ScriptFailure.DIED, "the sandbox ended without an answer")
    assert second == changes(b=2)


async def test_workers_that_cannot_be_started_are_told_of(pool, monkeypatch, caplog):
    async def fail(largest, module):
        raise WorkerDied(is_late=False)

    monkeypatch.setattr(WorkerProcess, "start", fail)

    answers = await asyncio.gather(*(pool.perform(script(f"data.b = {n}")) for n in range(20)))

    assert {answer.failure for answer in answers} == {ScriptFailure.DIED}
    assert "can't be started" in caplog.text


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"Xyz\n", b"E\n", b"E{}\n", b"R\n", b"R[1]\n", b"R{\n", b"\xff\n"]
)
def test_a_line_that_no_worker_writes_is_no_result(line):
    job = Job(1.0, 1, 10_000, b"", b'{"a":1}', b"{}", b"")

    assert read_result(line, job).failure is ScriptFailure.FORMAT


def test_a_result_has_no_more_levels_than_others_can_read():
    job = Job(1.0, 1, 10_000, b"", b'{"a":1}', b"{}", b"")
    lines = [b'R{"b":' + b"[" * depth + b"]" * depth + b"}\n" for depth in (511, 512)]

    fits, deep = [read_result(line, job) for line in lines]

    assert isinstance(fits, ScriptAnswer)
    assert deep.description == "the result can't be read as JSON: it is nested more than 512 deep"


ENGINE = """\
import asyncio
from engine.core.command import RunScript
from engine.outside.scripts.process import WorkerProcess
from engine.outside.scripts.frame import Job

async def main():
    worker = await WorkerProcess.start(1000, "engine.outside.scripts.worker")
    worker.send([Job(600.0, 2**26, 1000, b"while (true) {}", b"{}", b"{}", b"")])
    print(worker._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its timer ends the worker")
def test_a_worker_in_the_midst_of_a_script_ends_with_its_engine():
    path = os.pathsep.join(each for each in sys.path if each)
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE], stdout=subprocess.PIPE, env={"PYTHONPATH": path}
    )
    worker = psutil.Process(int(engine.stdout.readline()))

    engine.kill()
    engine.communicate()

    _, alive = psutil.wait_procs([worker], timeout=10)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []


async def test_a_program_that_is_not_there_is_a_worker_that_died(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    with pytest.raises(WorkerDied):
        await WorkerProcess.start(1000, "engine.outside.scripts.worker")


async def test_a_module_that_ends_at_once_is_a_worker_that_died():
    with pytest.raises(WorkerDied):
        await WorkerProcess.start(1000, "engine.nothing")


async def test_a_worker_that_is_late_by_far_is_ended_by_the_engine(monkeypatch):
    monkeypatch.setattr("engine.outside.scripts.process.PATIENCE_S", 0)
    worker = await WorkerProcess.start(1000, "engine.outside.scripts.worker")

    with pytest.raises(WorkerDied) as caught:
        await worker.answer(0.01)

    await worker.end()
    assert caught.value.is_late
