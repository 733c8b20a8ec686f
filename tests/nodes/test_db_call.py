import pytest

from engine.node import (
    Ask,
    CallFailed,
    CallFailure,
    Constant,
    ErrorKind,
    Fail,
    Go,
    Hold,
    Rows,
    RunStatement,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    TimeUp,
)
from nodes.db_call import DbCall, InDoubt, Settings

FIND = "SELECT * FROM orders WHERE ref = :ref"


def settings(sql=FIND, params=None, **more):
    params = {"ref": Constant("r1")} if params is None else params
    return Settings(connection="shop", sql=sql, params=params, **more)


def faults(of):
    return [key for key, _ in DbCall().problems(of)]


def test_the_statement_goes_with_values_of_the_task(visit, computed):
    node = settings(params={"ref": computed(lambda scope: scope.data["ref"])}, rows=Rows.ONE)

    assert DbCall().enter(node, visit({"ref": "r7"})) == Ask(
        RunStatement("shop", FIND, {"ref": "r7"}, Rows.ONE, 1000, 30.0, 5)
    )


def test_the_result_goes_into_a_parameter(visit):
    answer = StatementAnswer([{"id": 1}])

    assert DbCall().resume(settings(), visit(), answer) == Go(changes={"result": [{"id": 1}]})
    assert DbCall().resume(settings(into="order"), visit(), StatementAnswer(None)) == Go(
        changes={"order": None}
    )


@pytest.mark.parametrize(
    ("failure", "kind", "tag"),
    [
        (StatementFailure.UNREACHABLE, ErrorKind.HARDWARE, "db_call_connection_error"),
        (StatementFailure.TIMEOUT, ErrorKind.HARDWARE, "db_call_timeout"),
        (StatementFailure.REFUSED, ErrorKind.SOFTWARE, "db_call_executing_error"),
        (StatementFailure.TOO_LARGE, ErrorKind.SOFTWARE, "db_call_size_overflow_limit"),
    ],
)
def test_every_failure_has_its_tag(visit, failure, kind, tag):
    failed = StatementFailed(failure, "why")

    assert DbCall().resume(settings(), visit(), failed) == Fail(kind, tag, "why")


def test_a_statement_that_was_interrupted_goes_by_its_policy(visit):
    interrupted = CallFailed(CallFailure.INTERRUPTED, "the engine stopped during the call")
    tag, text = "db_call_connection_error", interrupted.description

    repeated = DbCall().resume(settings(), visit(), interrupted)
    held = DbCall().resume(settings(in_doubt=InDoubt.HOLD), visit(), interrupted)
    failed = DbCall().resume(settings(in_doubt=InDoubt.FAIL), visit(), interrupted)

    assert isinstance(repeated, Ask)
    assert held == Hold(tag, text)
    assert failed == Fail(ErrorKind.HARDWARE, tag, text)


def test_a_fault_of_the_engine_is_a_failure_of_the_connection(visit):
    broken = CallFailed(CallFailure.INTERNAL, "a fault")

    assert DbCall().resume(settings(), visit(), broken) == Fail(
        ErrorKind.HARDWARE, "db_call_connection_error", "a fault"
    )


def test_it_waits_for_nothing_else(visit):
    with pytest.raises(NotImplementedError):
        DbCall().resume(settings(), visit(), TimeUp())


def test_a_value_in_the_text_of_a_statement_is_a_fault():
    assert faults(settings("SELECT * FROM t WHERE ref = '{{ ref }}'", {})) == ["sql"]


@pytest.mark.parametrize(
    ("sql", "names", "found"),
    [
        ("SELECT :a, :b", ["a"], ["sql"]),
        ("SELECT 1", ["a"], ["params"]),
        ("SELECT ':no', \":no\", a::text -- :no\n FROM t /* :no */ WHERE x = :a", ["a"], []),
        ("  ", [], ["sql"]),
    ],
)
def test_values_and_the_names_in_the_statement_are_the_same(sql, names, found):
    assert faults(settings(sql, {name: Constant(1) for name in names})) == found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"into": ""}, ["into"]),
        ({"max_rows": 0}, ["max_rows"]),
        ({"max_threads": 0}, ["max_threads"]),
        ({"time_limit": 0}, ["time_limit"]),
        ({"time_limit": 601_000_000}, ["time_limit"]),
        ({}, []),
    ],
)
def test_limits_are_checked(more, found):
    assert faults(settings(**more)) == found


def test_a_connection_is_a_name_and_not_a_url():
    wrong = Settings(connection="sqlite:///shop.db", sql="SELECT 1")

    assert faults(wrong) == ["connection"]
