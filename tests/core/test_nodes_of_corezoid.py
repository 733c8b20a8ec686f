"""Corezoid's rules that no other module shows, each by a small process (docs/corezoid.md)."""

import pytest

from engine.core.batch import Limits
from engine.core.command import HttpAnswer
from engine.core.message import Modify, Result, Submit
from engine.core.tags import conversion_tag, fatal_tag, size_tag
from engine.core.task import TaskState
from engine.definition import Catalog, load_text


def process(node, head="", more=""):
    """A process whose task comes from the start into the node `n`, and from there to an end."""
    return (
        f"process: p\n{head}nodes:\n  start: {{type: start, title: Here, next: n}}\n  n: {node}\n{more}"
        "  done: {type: end}\n  bad: {type: end, result: error}\n"
    )


def writing(values):
    """A node that sets these parameters."""
    written = ", ".join(f"'{name}': '{value}'" for name, value in values.items())
    return process(f"{{type: set_parameter, set: {{{written}}}, next: done, error: bad}}")


def rules_broken(text):
    return {fault.rule for fault in load_text(text, "p.yaml", Catalog.installed()).faults}


async def test_what_an_imported_node_carried_is_kept_and_not_read(board):
    b = board(process("{type: delay, for: 0s, next: done, corezoid: {id: 65f0, next: nowhere}}"))

    task = await b.submit("p")

    assert task.node == "done"


async def test_root_tells_of_the_visit(board):
    names = (
        "conv_id", "process", "node_id", "node_name", "prev_node_id", "prev_node_name", "status",
        "create_time", "change_time", "end_time", "user_id",
    )  # fmt: skip
    values = {name: f"{{{{ root.{name} }}}}" for name in names}
    b = board(
        writing(values).replace("  n: {", "  n: {title: Now, timeout: {after: 1m, next: bad}, ")
    )

    task = await b.submit("p")

    assert task.data == {
        "conv_id": 1001,
        "process": "p",
        "node_id": "n",
        "node_name": "Now",
        "prev_node_id": "start",
        "prev_node_name": "Here",
        "status": 2,
        "create_time": 1_700_000_000,
        "change_time": 1_700_000_000,
        "end_time": 1_700_000_060,
        "user_id": "",
    }


async def test_coming_in_again_arms_the_timer_anew(board):
    b = board(
        process(
            "{type: waiting_for_callback, match: {ref: r}, timeout: {after: 60s, next: bad}, "
            "next: again}",
            more="  again: {type: delay, for: 10s, next: n}\n",
        )
    )
    task = await b.submit("p", ref="r1")
    await b.pass_time(50)
    await b.callback("p", "n", "r1")
    await b.pass_time(10)

    await b.pass_time(59)
    before = await b.task("p", task.ref)
    await b.pass_time(1)

    assert (before.node, (await b.task("p", task.ref)).node) == ("n", "bad")


@pytest.mark.parametrize("time", [3, "3", 1_600_000_000])
async def test_a_computed_time_is_absolute_and_past_ones_do_not_hold(board, time):
    """Source: Corezoid, time semaphore with a dynamic value."""
    b = board(
        process(
            "{type: waiting_for_callback, match: {ref: r}, next: bad, "
            "timeout: {after: '{{ at }}', next: done}}"
        )
    )

    task = await b.submit("p", {"at": time})

    assert task.node == "done"


async def test_a_timer_leaves_no_error_behind(board):
    b = board(
        process("{type: delay, for: 1d, timeout: {after: 1s, next: bad}, next: done, error: done}")
    )
    task = await b.submit("p", {"a": 1})

    await b.pass_time(1)

    task = await b.task("p", task.ref)
    assert (task.node, task.data, task.memo.error) == ("bad", {"a": 1}, None)
    assert await b.path(task) == [("start", "next"), ("n", "timeout"), ("bad", "")]


async def test_a_condition_that_fails_sets_no_parameters(board):
    b = board(
        process("{type: condition, cases: [{when: a < 1, next: done}], else: done, error: bad}")
    )

    task = await b.submit("p", {"a": "text"})

    assert (task.node, task.data, task.memo.error.tag) == ("bad", {"a": "text"}, "template_error")


async def test_of_a_failed_conversion_nothing_is_applied(board):
    b = board(writing({"a": "{{ x }}", "b": "{{ y | number }}"}))

    task = await b.submit("p", {"x": 1, "y": "many"})

    assert (task.node, "a" in task.data) == ("bad", False)
    assert task.data["__conveyor_set_param_return_description__"] == (
        "Param: b, Value: many, Try convert to: number"
    )


async def test_a_name_may_be_a_function(board):
    b = board(writing({'{{ date("%d%m%y") }}': "today"}))

    assert (await b.submit("p")).data == {"14112023": "today"}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ a[1] }}", 20),
        ("{{ a[9] }}", ""),
        ("{{ a[-1] }}", 30),
        ("{{ a[i] }}", 20),
        ('{{ a[math("i + 1")] }}', 30),
        ("{{ obj[k] }}", "deep"),
        ('{{ root.data["status_" ~ stage ~ "_" ~ i] }}', "open"),
        ("{{ text.k }}", ""),
        ("{{ (text | object).k }}", 1),
        ("{{ root.data.root.x }}", "mine"),
        ("{{ root.x }}", ""),
    ],
)
async def test_what_a_reference_gives(board, template, value):
    b = board(writing({"found": template}))
    data = {
        "a": [10, 20, 30],
        "i": 1,
        "k": "name",
        "obj": {"name": "deep"},
        "stage": "live",
        "status_live_1": "open",
        "text": '{"k": 1}',
        "root": {"x": "mine"},
    }

    assert (await b.submit("p", data)).data["found"] == value


async def test_null_in_an_answer_is_null_in_the_task(board):
    b = board(process("{type: api_call, url: 'http://there.example/', next: done, error: bad}"))
    task = await b.submit("p", {"a": 1})

    await b.turn(
        Result(
            task.task_id,
            task.visit,
            HttpAnswer(200, (("content-type", "application/json"),), b'{"a": null}'),
        )
    )

    assert (await b.task("p", task.ref)).data == {"a": None}


async def test_null_is_a_value_of_a_parameter(board):
    b = board(process("{type: delay, for: 0s, next: done}", "params: {a: {type: number}}\n"))

    assert (await b.submit("p", {"a": None})).data == {"a": None}


async def test_a_required_parameter_may_not_be_null(board):
    b = board(process("{type: delay, for: 0s, next: done}", "params: {a: {required: true}}\n"))

    refused = await b.submit("p", {"a": None})

    assert [(each["parameter"], each["message"]) for each in refused.faults] == [
        ("a", "is required and missing")
    ]


async def test_a_state_without_cases_is_never_left(board):
    b = board(process("{type: set_state}", "kind: state\n").partition("  done:")[0])
    task = await b.submit("p", ref="r1")

    await b.turn(Modify("p", "r1", {"a": 1}, ticket="me"))
    await b.pass_time(365 * 86_400)

    task = await b.task("p", "r1")
    assert (task.node, task.state, task.data) == ("n", TaskState.WAITING, {"a": 1})


def test_these_node_types_may_stand_in_a_state_diagram():
    """Source: Corezoid, State diagram."""
    kinds = Catalog.installed().kinds

    allowed = {name for name, kind in kinds.items() if "state" in kind.node_type.stands_in}

    assert allowed == {
        "start",
        "end",
        "condition",
        "code",
        "set_parameter",
        "copy_task",
        "modify_task",
        "set_state",
        "delay",
        "queue",
        "get_from_queue",
    }
    assert "process" not in kinds["set_state"].node_type.stands_in


def test_a_sum_says_where_it_goes_when_it_fails():
    assert rules_broken(process("{type: sum, sums: {n: 1}, next: done}")) == {
        "missing-error",
        "unreachable-node",
    }


async def test_descriptions_are_cut(board):
    long = "x" * 3000
    b = board(
        process("{type: call_process, process: q, data: {a: 1}, next: done, error: bad}"),
        "process: q\nnodes:\n  start: {type: start, next: n}\n"
        f"  n: {{type: reply_to_process, exception: {long}, next: done}}\n  done: {{type: end}}\n",
    )

    task = await b.submit("p")

    task = await b.task("p", task.ref)
    assert len(task.data["__conveyor_rpc_return_description__"]) == 1000


async def test_a_task_that_is_too_large_is_told_its_size(board):
    b = board(process("{type: delay, for: 0s, next: done}"), limits=Limits(task_bytes=20))

    refused = await b.submit("p", {"a": "x" * 20})

    assert str(refused).startswith("Your task size: 28 bytes, Max available task size: 20 bytes, ")


class Placed:
    def __init__(self, node_type):
        self.type = node_type


@pytest.mark.parametrize(
    ("name", "conversion", "size", "fatal"),
    [
        ("api_call", "api_wrong_convert_param", "api_task_size_overflow_limit", "api_fatal_error"),
        ("code", "code_wrong_convert_param", "code_return_size_overflow", "code_fatal_error"),
        ("condition", "template_error", "task_size_overflow_limit", "condition_fatal_error"),
        (
            "copy_task",
            "copy_task_wrong_convert_param",
            "copy_task_size_overflow_limit",
            "copy_task_fatal_error",
        ),
        (
            "db_call",
            "db_call_wrong_convert_param",
            "db_call_size_overflow_limit",
            "db_call_fatal_error",
        ),
        (
            "reply_to_process",
            "rpc_reply_wrong_convert_param",
            "rpc_reply_size_overflow_limit",
            "rpc_reply_fatal_error",
        ),
        (
            "sum",
            "api_sum_wrong_convert_param",
            "api_sum_size_overflow_limit",
            "api_sum_fatal_error",
        ),
        ("end", "template_error", "task_size_overflow_limit", "end_fatal_error"),
        ("delay", "delay_wrong_convert_param", "delay_size_overflow_limit", "delay_fatal_error"),
        (
            "get_from_queue",
            "get_task_wrong_convert_param",
            "get_task_size_overflow_limit",
            "get_task_fatal_error",
        ),
        (
            "git_call",
            "git_call_wrong_convert_param",
            "code_return_size_overflow",
            "git_call_fatal_error",
        ),
        ("queue", "queue_wrong_convert_param", "queue_size_overflow_limit", "queue_fatal_error"),
        (
            "set_parameter",
            "set_param_wrong_convert_param",
            "set_param_size_overflow_limit",
            "set_param_fatal_error",
        ),
        ("start", "template_error", "task_size_overflow_limit", "start_fatal_error"),
        (
            "waiting_for_callback",
            "callback_wrong_convert_param",
            "callback_size_overflow_limit",
            "callback_fatal_error",
        ),
    ],
)
def test_tags_that_follow_from_a_prefix(name, conversion, size, fatal):
    node = Placed(Catalog.installed().kinds[name].node_type)

    assert (conversion_tag(node), size_tag(node), fatal_tag(node)) == (conversion, size, fatal)


async def test_scripts_and_titles_are_no_templates(board):
    b = board(
        process(
            "{type: code, title: '{{ a }}', source: 'data.x = \"{{ a }}\"', next: done, error: bad}"
        )
    )

    batch = await b.turn(Submit("p", "r1", {"a": 1}))

    assert batch.calls[0].command.source == 'data.x = "{{ a }}"'
    assert b.graphs["p"].nodes["n"].title == "{{ a }}"
