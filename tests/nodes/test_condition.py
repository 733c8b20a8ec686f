import pytest

from engine.errors import TemplateError
from engine.node import Case, Cast, Check, Constant, Go
from nodes.condition import Condition, Settings

MISSING = ""


def check(param, fun, const, cast=Cast.STRING):
    return Check(Constant(param), fun, Constant(const), cast)


def holds(visit, *checks):
    """Whether a condition of these checks takes its case."""
    outcome = Condition().enter(Settings((Case("yes", all=checks),), "no"), visit)
    assert isinstance(outcome, Go)
    assert outcome.changes is None
    return outcome.to == "yes"


def compares(visit, value, fun, const, cast):
    return holds(visit({"x": value}), check("x", fun, const, cast))


# Which case is taken


def test_first_case_that_holds_wins(visit):
    cases = (
        Case("a", when=Constant(False)),
        Case("b", when=Constant(True)),
        Case("c", when=Constant(True)),
    )

    assert Condition().enter(Settings(cases, "else"), visit()) == Go("b")


def test_without_a_case_that_holds_the_task_takes_else(visit):
    cases = (Case("a", when=Constant("")), Case("b", all=(check("x", "eq", "1"),)))

    assert Condition().enter(Settings(cases, "other"), visit()) == Go("other")


def test_all_checks_of_a_case_must_hold(visit):
    both = (check("x", "eq", "1"), check("y", "eq", "2"))

    assert holds(visit({"x": "1", "y": "2"}), *both)
    assert not holds(visit({"x": "1", "y": "3"}), *both)
    assert not holds(visit({"x": "0", "y": "2"}), *both)


def test_an_error_in_when_is_left_to_the_engine(visit, broken):
    with pytest.raises(TemplateError):
        Condition().enter(Settings((Case("a", when=broken),), "else"), visit())


def test_a_condition_has_cases_instead_of_next_and_error():
    assert not Condition.has_next
    assert not Condition.can_fail
    assert Condition().writes(Settings((), "else")) == frozenset()


# What is compared


@pytest.mark.parametrize(
    ("param", "data"),
    [
        ("age", {"age": "7"}),
        ("user.age", {"user": {"age": "7"}}),
        ("rows[1].age", {"rows": [{}, {"age": "7"}]}),
        ("rows.1.age", {"rows": [{}, {"age": "7"}]}),
        ("user[age]", {"user": {"age": "7"}}),
        (r"a\.b", {"a.b": "7"}),
        (r"phone\[0\]", {"phone[0]": "7"}),
    ],
)
def test_a_bare_param_is_a_path_into_the_data(visit, param, data):
    assert holds(visit(data), check(param, "eq", "7"))


@pytest.mark.parametrize("param", ["y", "x.y", "x[0]", "rows[5]", "rows[99999999999999999999]"])
def test_what_is_missing_is_an_empty_text(visit, param):
    data = {"x": "7", "rows": [1]}

    assert holds(visit(data), check(param, "eq", ""))
    assert not holds(visit(data), check(param, "not_eq", ""))


def test_a_param_may_be_a_template(visit, computed):
    param = computed(lambda scope: scope.data["age"] + 1)

    assert holds(visit({"age": 6}), Check(param, "eq", Constant("7"), Cast.NUMBER))


def test_a_const_may_be_a_template(visit, computed):
    const = computed(lambda scope: scope.data["limit"])

    assert holds(visit({"age": 6, "limit": 7}), Check(Constant("age"), "less", const, Cast.NUMBER))


def test_a_bare_const_is_a_literal(visit):
    assert not holds(visit({"a": "1", "b": "1"}), check("a", "eq", "b"))


def test_reserved_names_are_not_read_from_the_data(visit):
    seen = visit({"error": {"kind": "mine"}}, error={"kind": "hardware"})

    assert holds(seen, check("error.kind", "eq", "hardware"))
    assert holds(seen, check("root.conv_id", "eq", "1001", Cast.NUMBER))


# Text


@pytest.mark.parametrize(
    ("value", "const"),
    [
        ("a", "a"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        ([1, 2], "[1,2]"),
        ({"a": "é"}, '{"a":"é"}'),
        (10**30, "1000000000000000000000000000000"),
        (1e300, "1e300"),
    ],
)
def test_as_text_values_are_written_in_their_shortest_form(visit, value, const):
    assert compares(visit, value, "eq", const, Cast.STRING)
    assert not compares(visit, value, "not_eq", const, Cast.STRING)


@pytest.mark.parametrize(("value", "const"), [("a", "A"), ("007", "7"), ("1.0", "1"), (" a", "a")])
def test_texts_are_compared_exactly(visit, value, const):
    assert not compares(visit, value, "eq", const, Cast.STRING)
    assert compares(visit, value, "not_eq", const, Cast.STRING)


def test_texts_are_ordered_by_code_points(visit):
    assert compares(visit, "Z", "less", "a", Cast.STRING)
    assert compares(visit, "10", "less", "9", Cast.STRING)
    assert compares(visit, "b", "more", "a", Cast.STRING)
    assert compares(visit, "b", "more_or_eq", "b", Cast.STRING)
    assert compares(visit, "b", "less_or_eq", "b", Cast.STRING)


# Numbers


@pytest.mark.parametrize(
    ("value", "fun", "const", "expected"),
    [
        (10, "more", "9", True),
        ("10", "more", "9", True),
        (" 10 ", "eq", "10.0", True),
        (0.1, "eq", "0.1", True),
        ("1e3", "eq", "1000", True),
        ("+5", "eq", "5", True),
        ("007", "eq", "7", True),
        (9007199254740993, "eq", "9007199254740992", False),
        (9007199254740993, "not_eq", "9007199254740992", True),
        (5, "less_or_eq", "5", True),
        (5, "more_or_eq", "6", False),
        (-1, "less", "0", True),
    ],
)
def test_numbers_are_compared_by_value(visit, value, fun, const, expected):
    assert compares(visit, value, fun, const, Cast.NUMBER) is expected


@pytest.mark.parametrize("fun", ["eq", "not_eq", "less", "more", "less_or_eq", "more_or_eq"])
@pytest.mark.parametrize(
    "value", [MISSING, None, "abc", "1,5", "NaN", "Infinity", "1_000", "٣", True, [], {}]
)
def test_what_is_no_number_holds_for_no_function(visit, value, fun):
    assert not compares(visit, value, fun, "5", Cast.NUMBER)
    assert not compares(visit, "5", fun, "abc", Cast.NUMBER)


# Booleans


@pytest.mark.parametrize(
    ("value", "fun", "const", "expected"),
    [
        (True, "eq", "true", True),
        ("true", "eq", "true", True),
        (False, "eq", "true", False),
        ("false", "not_eq", "true", True),
        (True, "more", "false", False),
        (True, "less_or_eq", "true", False),
        (1, "eq", "true", False),
        (1, "not_eq", "true", False),
        (MISSING, "eq", "false", False),
        (MISSING, "not_eq", "true", False),
    ],
)
def test_booleans_are_only_equal_or_not(visit, value, fun, const, expected):
    assert compares(visit, value, fun, const, Cast.BOOLEAN) is expected


# Arrays and objects


@pytest.mark.parametrize(
    ("value", "const", "cast", "expected"),
    [
        ([], "[]", Cast.ARRAY, True),
        ([1, 2], "[1, 2]", Cast.ARRAY, True),
        ([1, 2], "[2, 1]", Cast.ARRAY, False),
        ([1, 2], "[1]", Cast.ARRAY, False),
        ("[1,2]", "[1,2]", Cast.ARRAY, True),
        ([1], "[1.0]", Cast.ARRAY, True),
        ([1], "[true]", Cast.ARRAY, False),
        ([[1, {"a": [None]}]], '[[1,{"a":[null]}]]', Cast.ARRAY, True),
        ({}, "{}", Cast.OBJECT, True),
        ({"a": 1, "b": 2}, '{"b":2,"a":1}', Cast.OBJECT, True),
        ({"a": 1}, '{"a":1,"b":2}', Cast.OBJECT, False),
        ({"a": {"b": 1}}, '{"a":{"b":2}}', Cast.OBJECT, False),
    ],
)
def test_arrays_and_objects_are_compared_in_depth(visit, value, const, cast, expected):
    assert compares(visit, value, "eq", const, cast) is expected
    assert compares(visit, value, "not_eq", const, cast) is not expected


@pytest.mark.parametrize(
    ("value", "const", "cast"),
    [
        (MISSING, "[]", Cast.ARRAY),
        ("{}", "[]", Cast.ARRAY),
        ([], "{}", Cast.OBJECT),
        (7, "{}", Cast.OBJECT),
        ("[" * 100_000, "[]", Cast.ARRAY),
    ],
)
def test_what_is_no_array_or_object_holds_for_no_function(visit, value, const, cast):
    assert not compares(visit, value, "eq", const, cast)
    assert not compares(visit, value, "not_eq", const, cast)


def test_arrays_have_no_order(visit):
    assert not compares(visit, [2], "more", "[1]", Cast.ARRAY)
    assert not compares(visit, [1], "less_or_eq", "[1]", Cast.ARRAY)


def test_deeply_nested_values_can_be_compared(visit):
    deep, same = [], []
    for _ in range(5000):
        deep, same = [deep], [same]

    assert holds(visit({"x": deep}), Check(Constant("x"), "eq", Constant(same), Cast.ARRAY))


# Patterns


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        ("the user is", "user_*", True),
        ("abc", "^b", False),
        (12345, "^[0-9]+$", True),
        (None, "^$", True),
    ],
)
@pytest.mark.parametrize("fun", ["regexp", "regex"])
def test_a_pattern_is_searched_in_the_text(visit, fun, value, pattern, expected):
    assert compares(visit, value, fun, pattern, Cast.NUMBER) is expected


def test_a_pattern_out_of_a_template_that_is_none_does_not_hold(visit, computed):
    bad = Check(Constant("x"), "regexp", computed(lambda scope: "("), Cast.STRING)

    assert not holds(visit({"x": "("}), bad)


# Names of functions


@pytest.mark.parametrize(
    ("names", "below", "same", "above"),
    [
        (("eq", "=="), False, True, False),
        (("not_eq", "ne", "neq", "!="), True, False, True),
        (("less", "lt", "<"), True, False, False),
        (("more", "gt", ">"), False, False, True),
        (("less_or_eq", "le", "lte", "<="), True, True, False),
        (("more_or_eq", "ge", "gte", ">="), False, True, True),
    ],
)
def test_each_function_has_its_aliases(visit, names, below, same, above):
    for name in names:
        results = [compares(visit, value, name, "5", Cast.NUMBER) for value in (4, 5, 6)]
        assert results == [below, same, above], name


# Problems


def problems(*cases):
    return list(Condition().problems(Settings(cases, "else")))


def test_a_condition_without_cases_is_a_problem():
    assert problems() == [("cases", "a condition has at least one case")]


def test_a_case_has_either_when_or_all():
    good = check("x", "eq", "1")
    expected = [("cases", "case 2 has either 'when' or 'all', with something in it")]

    assert problems(Case("a", all=(good,)), Case("a")) == expected
    assert problems(Case("a", all=(good,)), Case("a", Constant(True), (good,))) == expected
    assert problems(Case("a", all=(good,)), Case("a", Constant(True))) == []


@pytest.mark.parametrize("param", ["", "a..b", "a[", "a]", "{a}"])
def test_a_param_that_is_no_path_is_a_problem(param):
    ((key, message),) = problems(Case("a", all=(check(param, "eq", "1"),)))

    assert key == "cases"
    assert message.startswith(f"case 1: '{param}' is neither a name nor a path")


def test_a_pattern_that_is_none_is_a_problem():
    ((key, message),) = problems(Case("a", all=(check("x", "regexp", "("),)))

    assert key == "cases"
    assert message.startswith("case 1: '(' is not a pattern")


def test_templates_are_not_judged_before_they_are_rendered(computed):
    dynamic = Check(computed(lambda scope: "("), "regexp", computed(lambda scope: "("))

    assert problems(Case("a", all=(dynamic,))) == []
    assert problems(Case("a", all=(check("x", "regexp", "^a+$"),))) == []
