"""The picture for a terminal."""

from itertools import pairwise

from rich.text import Text

from engine.definition.picture.drawing import Drawing, Line, LineKind, Picture, Shape
from engine.definition.picture.terminal import write_text


def test_the_happy_path_runs_down_and_the_rest_branches_off(callback):
    text = write_text(Picture([callback]))

    assert text.splitlines() == [
        "Getting callback",
        "● Start",
        "│",
        "◷ Callback  waiting for callback",
        "│",
        "◆ Status?  condition",
        "├─ else ▶ ▲ Callback",
        "│ delivered · failed",
        '■ Modify task in "Sending SMS"  modify task',
        "│",
        "✔ End",
    ]


def test_an_error_path_is_written_where_it_begins():
    shapes = [
        Shape("start", "start"),
        Shape("send", "api_call", "Send", standing=3, passed=1204),
        Shape("failed", "condition", "What failed?", is_escalation=True),
        Shape("later", "delay", "Wait", is_escalation=True),
        Shape("tell", "reply_to_process", "Tell", is_escalation=True),
        Shape("gave_up", "end", "Gave up", result="error"),
        Shape("sent", "end", "Sent", result="success"),
    ]
    lines = [
        Line("start", "send"),
        Line("send", "sent"),
        Line("send", "failed", LineKind.ERROR),
        Line("send", "gave_up", LineKind.TIMEOUT, "after 30s"),
        Line("failed", "later", LineKind.CASE, "hardware"),
        Line("failed", "tell", LineKind.ELSE),
        Line("later", "send"),
        Line("tell", "gave_up"),
    ]

    text = write_text(Picture([Drawing("Greet", shapes, lines)]))

    assert text.splitlines() == [
        "Greet",
        "● start",
        "│",
        "■ Send  api call, 3 standing, 1,204 passed",
        "├─ after 30s ▶ ✖ Gave up",
        "├─ error ▶ ◆ What failed?  condition",
        "│  ├─ hardware ▶ ◷ Wait  delay ▶ ▲ Send",
        "│  └─ else ▶ ■ Tell  reply to process ▶ ▲ Gave up",
        "│",
        "✔ Sent",
    ]


def test_a_chain_that_branches_off_keeps_its_indent():
    shapes = [
        Shape("start", "start"),
        *(Shape(name, "code", is_escalation=True) for name in "abc"),
        Shape("end", "end", result="success"),
    ]
    lines = [
        Line("start", "end"),
        Line("start", "a", LineKind.ERROR),
        Line("a", "b"),
        Line("b", "c"),
        Line("c", "end"),
    ]

    text = write_text(Picture([Drawing("Chain", shapes, lines)]))

    assert text.splitlines()[2:8] == [
        "├─ error ▶ ■ a  code",
        "│  │",
        "│  ■ b  code",
        "│  │",
        "│  ■ c  code",
        "│  └─▶ ▼ end",
    ]


def test_every_node_is_written_once_and_every_message_where_it_is_sent(sms):
    text = write_text(sms)

    assert text.count("■ Error from Twilio calling API SMS") == 1
    assert text.count("✖ Exit.") == 4
    assert "├╌ ref = sid ▷ Getting callback: Start" in text
    assert "├╌ ref = ref ▷ Sending SMS: Waiting for message status" in text


def test_nodes_that_nothing_leads_to_come_last():
    shapes = [Shape("start", "start"), Shape("lost", "code"), Shape("end", "end")]

    text = write_text(Picture([Drawing("Lost", shapes, [Line("start", "end")])]))

    assert text.splitlines() == ["Lost", "● start", "│", "○ end", "", "■ lost  code"]


def test_colour_changes_nothing_but_the_colour(sms, hostile):
    for picture in (sms, hostile):
        plain, coloured = write_text(picture), write_text(picture, markup=True)

        assert Text.from_markup(coloured).plain == plain
        assert "[green]" in coloured


def test_titles_can_not_move_the_cursor(hostile):
    assert "\x1b" not in write_text(hostile)


def test_nesting_of_any_depth_is_written():
    names = [f"n{number}" for number in range(1200)]
    shapes = [*(Shape(n, "condition") for n in names), Shape("end", "end", result="success")]
    lines = []
    for one, two in pairwise(names):
        lines.append(Line(one, two, LineKind.ERROR))
        lines.append(Line(one, "end", LineKind.TIMEOUT))

    text = write_text(Picture([Drawing("Deep", shapes, lines)]))

    assert "n1199" in text
