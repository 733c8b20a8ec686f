"""The two processes of the SMS example as drawings, and one that nobody would draw."""

import pytest

from engine.definition.picture.drawing import Drawing, Line, LineKind, Message, Picture, Shape

HOSTILE = (
    "</text><script>alert('1')</script> \"quoted\" & \n\t`#semi;` \\ 日本 ключ 🙂 \x1b[31m\x00 -->"
)


def escalation(name, node_type, title=""):
    return Shape(name, node_type, title, is_escalation=True)


def exit_with_error(name, title):
    return Shape(name, "end", title, is_escalation=True, result="error")


@pytest.fixture(scope="session")
def sending():
    shapes = [
        Shape("start", "start", "Start"),
        Shape("calling", "api_call", "Calling API"),
        escalation("what_failed", "condition"),
        escalation("later", "delay", "30 s"),
        escalation("refused", "reply_to_process", "Error from Twilio calling API SMS"),
        exit_with_error("exit_refused", "Exit. Error from Twilio calling API SMS"),
        escalation("broken", "reply_to_process", "Error calling API"),
        exit_with_error("exit_broken", "Exit. Error calling API"),
        Shape("is_received", "condition", "Is status received?"),
        Shape("empty", "reply_to_process", 'Param "status" is empty'),
        exit_with_error("exit_empty", 'Exit. Param "status" is empty'),
        Shape("copy", "copy_task", "Copy task to get callback"),
        escalation("copy_failed", "condition"),
        escalation("copy_later", "delay", "30 s"),
        escalation("not_copied", "reply_to_process", "Error calling API_copy task"),
        exit_with_error("exit_not_copied", "Exit. Error calling API_copy task"),
        Shape("waiting", "waiting_for_callback", "Waiting for message status"),
        Shape("return_status", "reply_to_process", "Return status"),
        Shape("sent", "end", "End", result="success"),
    ]
    lines = [
        Line("start", "calling"),
        Line("calling", "is_received"),
        Line("calling", "what_failed", LineKind.ERROR),
        Line("what_failed", "later", LineKind.CASE, "429, 503"),
        Line("later", "calling"),
        Line("what_failed", "refused", LineKind.CASE, "code"),
        Line("what_failed", "broken", LineKind.ELSE, "else"),
        Line("refused", "exit_refused"),
        Line("broken", "exit_broken"),
        Line("is_received", "copy", LineKind.CASE, "status != ''"),
        Line("is_received", "empty", LineKind.ELSE, "else"),
        Line("empty", "exit_empty"),
        Line("copy", "waiting"),
        Line("copy", "copy_failed", LineKind.ERROR),
        Line("copy_failed", "copy_later", LineKind.CASE, "retry"),
        Line("copy_later", "copy"),
        Line("copy_failed", "not_copied", LineKind.ELSE, "else"),
        Line("not_copied", "exit_not_copied"),
        Line("waiting", "exit_not_copied", LineKind.TIMEOUT, "after 1 d"),
        Line("waiting", "return_status"),
        Line("return_status", "sent"),
    ]
    return Drawing("Sending SMS", shapes, lines)


@pytest.fixture(scope="session")
def callback():
    shapes = [
        Shape("start", "start", "Start"),
        Shape("callback", "waiting_for_callback", "Callback"),
        Shape("status", "condition", "Status?"),
        Shape("modify", "modify_task", 'Modify task in "Sending SMS"'),
        Shape("told", "end", "End", result="success"),
    ]
    lines = [
        Line("start", "callback"),
        Line("callback", "status"),
        Line("status", "modify", LineKind.CASE, "delivered"),
        Line("status", "modify", LineKind.CASE, "failed"),
        Line("status", "callback", LineKind.ELSE, "else"),
        Line("modify", "told"),
    ]
    return Drawing("Getting callback", shapes, lines)


@pytest.fixture(scope="session")
def sms(sending, callback):
    return Picture(
        [sending, callback],
        [
            Message((0, "copy"), (1, "start"), "ref = sid"),
            Message((1, "modify"), (0, "waiting"), "ref = ref"),
        ],
    )


@pytest.fixture(scope="session")
def hostile():
    shapes = [
        Shape("start", "start", HOSTILE),
        Shape("a-]\"'<b>;", "condition", HOSTILE, standing=3, passed=1_234_567),
        Shape("end", "end", HOSTILE, result="error"),
    ]
    lines = [
        Line("start", "a-]\"'<b>;", LineKind.NEXT, HOSTILE),
        Line("a-]\"'<b>;", "end", LineKind.CASE, HOSTILE),
        Line("a-]\"'<b>;", "end", LineKind.ERROR, HOSTILE),
    ]
    return Picture([Drawing(HOSTILE, shapes, lines)])
