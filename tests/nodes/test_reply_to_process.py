import pytest

from engine.node import Ask, Constant, Done, Go, SendReply, TimeUp
from nodes.reply_to_process import ReplyToProcess, Settings


def reply(settings, visit):
    return ReplyToProcess().enter(settings, visit)


def test_a_reply_carries_the_listed_data_only(visit):
    outcome = reply(Settings(Constant({"price": 5})), visit({"secret": 1}))

    assert outcome == Ask(SendReply({"price": 5}))


def test_a_reply_can_list_names_and_a_missing_one_is_empty(visit):
    outcome = reply(Settings(keys=("price", "currency")), visit({"price": 5, "secret": 1}))

    assert outcome == Ask(SendReply({"price": 5, "currency": ""}))


def test_an_exception_carries_its_reason_and_the_data(visit):
    settings = Settings(keys=("code",), exception=Constant("refused"))

    outcome = reply(settings, visit({"code": 7}))

    assert outcome == Ask(SendReply({"code": 7}, is_exception=True, reason="refused"))


@pytest.mark.parametrize(("reason", "text"), [(None, ""), ("", ""), (404, "404")])
def test_an_exception_is_one_whatever_its_reason(visit, reason, text):
    outcome = reply(Settings(exception=Constant(reason)), visit())

    assert outcome == Ask(SendReply({}, is_exception=True, reason=text))


def test_data_that_is_no_object_becomes_an_exception(visit):
    outcome = reply(Settings(Constant([1])), visit())

    assert outcome == Ask(
        SendReply(
            {},
            is_exception=True,
            reason="Param: data, Value: [1], Try convert to: object",
            tag="rpc_reply_wrong_convert_param",
        )
    )


@pytest.mark.parametrize("key", ["data", "exception"])
def test_a_value_that_can_not_be_made_becomes_an_exception(visit, broken, key):
    outcome = reply(Settings(**{key: broken}), visit())

    assert outcome == Ask(
        SendReply(
            {},
            is_exception=True,
            reason="'amount' is not a number",
            tag="rpc_reply_wrong_convert_param",
        )
    )


def test_the_task_goes_on_when_the_reply_is_sent(visit):
    assert ReplyToProcess().resume(Settings(keys=("a",)), visit(), Done()) == Go()


def test_it_waits_for_nothing_else(visit):
    with pytest.raises(NotImplementedError):
        ReplyToProcess().resume(Settings(keys=("a",)), visit(), TimeUp())


def test_an_empty_reply_is_a_problem():
    assert [key for key, _ in ReplyToProcess().problems(Settings())] == ["data"]


def test_data_and_keys_together_are_a_problem():
    settings = Settings(Constant({"a": 1}), keys=("a",))

    assert list(ReplyToProcess().problems(settings)) == [
        ("keys", "a reply has either 'data' or 'keys'")
    ]


@pytest.mark.parametrize(
    "settings",
    [Settings(Constant({})), Settings(keys=("a",)), Settings(exception=Constant("why"))],
)
def test_right_settings_have_no_problems(settings):
    assert list(ReplyToProcess().problems(settings)) == []


def test_it_sends_a_reply_and_sets_no_parameters():
    assert ReplyToProcess.sends_reply
    assert ReplyToProcess().writes(Settings()) == frozenset()
