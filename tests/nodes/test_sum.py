import pytest

from engine.node import AddToSums, Ask, Constant, Done, ErrorKind, Fail, Go
from nodes.sum import Settings, Sum


def test_amounts_are_added_exactly(visit, computed):
    settings = Settings({"sent": Constant(1), "cost": computed(lambda scope: scope.data["price"])})

    assert Sum().enter(settings, visit({"price": "0.1"})) == Ask(
        AddToSums({"sent": 1_000_000_000, "cost": 100_000_000})
    )


@pytest.mark.parametrize(
    ("value", "billionths"),
    [
        (-2, -2_000_000_000),
        (0.1, 100_000_000),
        (" 12.50 ", 12_500_000_000),
        ("1e3", 1_000_000_000_000),
        (0.0000000005, 0),
        (10**18, 10**27),
    ],
)
def test_numbers_and_texts_that_are_numbers_can_be_added(visit, value, billionths):
    asked = Sum().enter(Settings({"n": Constant(value)}), visit())

    assert asked == Ask(AddToSums({"n": billionths}))


@pytest.mark.parametrize(
    "value", ["ten", "", None, True, [1], "nan", "inf", 10**18 + 1, "1e999999"]
)
def test_what_is_no_number_adds_nothing_at_all(visit, value):
    """Source: Corezoid, Sum: a value that can't be converted."""
    settings = Settings({"good": Constant(1), "bad": Constant(value)})

    failed = Sum().enter(settings, visit())

    assert isinstance(failed, Fail)
    assert (failed.kind, failed.tag) == (ErrorKind.SOFTWARE, "api_sum_wrong_convert_param")
    assert failed.description.startswith("Param: bad, Value: ")


def test_the_task_goes_on_unchanged(visit):
    assert Sum().resume(Settings({}), visit(), Done()) == Go()


def test_a_node_that_adds_nothing_is_a_fault():
    assert [key for key, _ in Sum().problems(Settings({}))] == ["sums"]


def test_it_names_its_sums():
    assert list(Sum().sums(Settings({"a": Constant(1), "b": Constant(2)}))) == ["a", "b"]
