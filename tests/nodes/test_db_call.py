import pytest
from sqlalchemy import text

from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.node import (
    Ask,
    CallFailed,
    CallFailure,
    Constant,
    ErrorKind,
    Fail,
    Go,
    Hold,
    InDoubt,
    InDoubtPath,
    Link,
    RunStatement,
    Size,
    StatementAnswer,
    StatementFailed,
    StatementFailure,
    TimeUp,
    parse_duration,
)
from nodes.db_call import _BOUND, DbCall, Rows, Settings

SELECT = "SELECT name FROM person WHERE id = :id"
SETTINGS = Settings("shop", SELECT, {"id": Constant(7)})
ANNA = {"name": "Anna"}


def settings(**more):
    return Settings(**{"connection": "shop", "sql": "SELECT 1", **more})


def problems(**more):
    return list(DbCall().problems(settings(**more)))


def test_the_statement_goes_out_with_its_values_beside_it(visit, computed):
    given = settings(sql=SELECT, params={"id": computed(lambda scope: scope.data["id"])})

    outcome = DbCall().enter(given, visit({"id": "7'; --"}))

    assert outcome == Ask(
        RunStatement("shop", SELECT, {"id": "7'; --"}, 30.0, 1000, 2**20, wants_rows=True)
    )


@pytest.mark.parametrize(
    ("rows", "most", "is_wanted"),
    [(Rows.ALL, 50, True), (Rows.ONE, 1, True), (Rows.NONE, 50, False)],
)
def test_of_one_row_no_more_are_asked_for(visit, rows, most, is_wanted):
    outcome = DbCall().enter(settings(rows=rows, max_rows=50), visit())

    assert (outcome.command.max_rows, outcome.command.wants_rows) == (most, is_wanted)


@pytest.mark.parametrize(
    ("rows", "answer", "value"),
    [
        (Rows.ALL, StatementAnswer(1, [ANNA]), [ANNA]),
        (Rows.ALL, StatementAnswer(0, []), []),
        (Rows.ALL, StatementAnswer(3), 3),
        (Rows.ONE, StatementAnswer(1, [ANNA]), ANNA),
        (Rows.ONE, StatementAnswer(0, []), None),
        (Rows.ONE, StatementAnswer(1), 1),
        (Rows.NONE, StatementAnswer(2), 2),
    ],
)
def test_the_answer_is_rows_or_the_number_of_changed_ones(visit, rows, answer, value):
    """spec: Database Call."""
    outcome = DbCall().resume(settings(rows=rows, into="found"), visit(), answer)

    assert outcome == Go(changes={"found": value})


def test_without_a_name_the_answer_is_called_result(visit):
    assert DbCall().resume(SETTINGS, visit(), StatementAnswer(0, [])) == Go(changes={"result": []})
    assert DbCall().writes(SETTINGS) == frozenset({"result"})


@pytest.mark.parametrize(
    ("failure", "kind", "tag"),
    [
        (StatementFailure.UNREACHABLE, ErrorKind.HARDWARE, "db_call_connection_error"),
        (StatementFailure.TIMEOUT, ErrorKind.HARDWARE, "db_call_timeout"),
        (StatementFailure.CONFLICT, ErrorKind.HARDWARE, "db_call_executing_error"),
        (StatementFailure.REFUSED, ErrorKind.SOFTWARE, "db_call_executing_error"),
        (StatementFailure.PARAMETER, ErrorKind.SOFTWARE, "db_call_wrong_convert_param"),
        (StatementFailure.TOO_LARGE, ErrorKind.SOFTWARE, "db_call_size_overflow_limit"),
        (StatementFailure.TOO_MANY, ErrorKind.SOFTWARE, "db_call_size_overflow_limit"),
    ],
)
def test_a_failure_has_its_tag_and_class(visit, failure, kind, tag):
    """spec: Errors, the rows of DB Call."""
    outcome = DbCall().resume(SETTINGS, visit(), StatementFailed(failure, "as it was told"))

    assert outcome == Fail(kind, tag, "as it was told")


def test_a_second_row_where_one_is_asked_for_is_a_fault_of_the_statement(visit):
    answer = StatementFailed(StatementFailure.TOO_MANY, "the statement gives more than one row")

    outcome = DbCall().resume(settings(rows=Rows.ONE), visit(), answer)

    assert outcome == Fail(
        ErrorKind.SOFTWARE, "db_call_executing_error", "the statement gives more than one row"
    )


WHY = "sent, and it is unknown whether it was carried out: gone"


@pytest.mark.parametrize(
    ("in_doubt", "outcome"),
    [
        (InDoubt.HOLD, Hold("db_call_in_doubt", WHY)),
        (InDoubt.FAIL, Fail(ErrorKind.HARDWARE, "db_call_in_doubt", WHY)),
        (InDoubtPath(Link("was_it")), Go("was_it")),
    ],
)
@pytest.mark.parametrize(
    "failure", [CallFailure.INTERRUPTED, CallFailure.BROKEN, CallFailure.INTERNAL]
)
def test_a_statement_in_doubt_goes_the_way_that_is_chosen(visit, in_doubt, outcome, failure):
    given = settings(in_doubt=in_doubt)

    assert DbCall().resume(given, visit(), CallFailed(failure, "gone")) == outcome


def test_a_statement_that_was_interrupted_is_sent_again(visit):
    outcome = DbCall().resume(SETTINGS, visit(), CallFailed(CallFailure.INTERRUPTED, "gone"))

    assert outcome == DbCall().enter(SETTINGS, visit())


@pytest.mark.parametrize(
    ("failure", "tag", "description"),
    [
        (CallFailure.BROKEN, "db_call_connection_error", WHY),
        (CallFailure.INTERNAL, "db_call_fatal_error", WHY),
    ],
)
def test_a_statement_whose_answer_was_lost_is_repeated_by_the_process_or_not(
    visit, failure, tag, description
):
    outcome = DbCall().resume(SETTINGS, visit(), CallFailed(failure, "gone"))

    assert outcome == Fail(ErrorKind.HARDWARE, tag, description)


def test_nothing_else_is_waited_for(visit):
    with pytest.raises(NotImplementedError):
        DbCall().resume(SETTINGS, visit(), TimeUp())


def test_a_state_diagram_has_no_database_calls():
    """spec: Set State and state diagrams."""
    assert DbCall.stands_in == frozenset({"process"})


def test_settings_that_fit_are_right():
    assert problems() == []
    assert problems(sql=SELECT, params={"id": Constant(1)}) == []
    assert problems(sql=r"SELECT 'a\:b', now()::text, '12:30'") == []


@pytest.mark.parametrize(
    ("key", "more"),
    [
        ("connection", {"connection": "postgresql://a:b@c/d"}),
        ("connection", {"connection": "a b"}),
        ("sql", {"sql": "  "}),
        ("sql", {"sql": "SELECT * FROM {{ table }}"}),
        ("sql", {"sql": "SELECT {% if a %}1{% endif %}"}),
        ("sql", {"sql": "SELECT 1 {# none #}"}),
        ("sql", {"sql": SELECT}),
        ("params", {"params": {"id": Constant(1)}}),
        ("into", {"into": ""}),
        ("into", {"into": "__conveyor_db"}),
        ("time_limit", {"time_limit": parse_duration("11m")}),
        ("time_limit", {"time_limit": parse_duration("1ms")}),
        ("max_rows", {"max_rows": 0}),
        ("max_rows", {"max_rows": 10_001}),
        ("max_threads", {"max_threads": 0}),
        ("max_response", {"max_response": Size(0)}),
        ("max_response", {"max_response": Size(17 * 2**20)}),
    ],
)
def test_what_cannot_be_sent_is_a_fault(key, more):
    assert [found for found, _ in problems(**more)] == [key]


@pytest.mark.parametrize(
    "sql",
    [
        SELECT,
        "SELECT :a + :b, :a",
        r"SELECT 'a\:b'",
        "SELECT now()::text",
        "SELECT '12:30', ' :c'",
        "SELECT a[1:2], x:::d, :e:f",
    ],
)
def test_the_names_are_those_that_will_be_bound(sql):
    assert set(_BOUND.findall(sql)) == set(text(sql)._bindparams)


def test_a_template_in_the_statement_is_a_fault_of_the_file():
    written = """process: find
params:
  name: {type: string}
nodes:
  start: {type: start, next: ask}
  ask:
    type: db_call
    connection: shop
    sql: SELECT id FROM person WHERE name = '{{ name }}'
    next: done
    error: done
  done: {type: end}
"""

    _, faults = read_definition(written, "find.yaml", Catalog.installed())

    (fault,) = faults
    assert (fault.line, fault.rule) == (9, "bad-settings")
    assert "a statement holds no templates" in fault.message
    assert "write :name" in fault.message
