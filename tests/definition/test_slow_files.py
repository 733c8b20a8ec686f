"""Files that were made to be slow: what the check of each takes is bounded.

Counted are calls of functions, which are the same on every machine.
"""

import pytest

from engine.definition import load_text
from tests.definition.checked import steps_of

MOST_STEPS = 4_000_000
"""Some 0.8 s where a call takes 0.2 us; the slowest file known takes 2.9 million."""

HEAD = """\
process: p
params: {a: {type: number}}
nodes:
  start: {type: start, next: n0}
  done: {type: end}
"""


def nodes(count, write):
    return HEAD + "".join(f"  {write(number)}\n" for number in range(count))


def name(number):
    return "n" + str(number).rjust(30, "x")


WRONG_NAMES = nodes(
    900,
    lambda n: (
        f"{name(n)}: {{type: get_from_queue, process: p, node: {name(n)}a, next: {name(n)}b, error: {name(n)}c}}"
    ),
)
BACK_AND_FORTH = nodes(
    1600,
    lambda n: (
        f"n{n}: {{type: set_parameter, set: {{b{n}: 1}}, next: n{min(n + 1, 1599)}, error: n{max(n - 1, 0)}}}"
    ),
)
MANY_TEMPLATES = nodes(
    120,
    lambda n: (
        f"n{n}: {{type: condition, cases: [{{when: '[{'a|int,' * 500}1]', next: done}}], else: n{n + 1}}}"
    ),
)
REPEATED_TEMPLATE = (
    HEAD
    + "  n0: {type: set_parameter, next: done, error: done, set: {x0: &t '{{ ["
    + "a|int," * 500
    + "1] }}', "
    + ", ".join(f"x{n}: *t" for n in range(1, 100))
    + "}}\n"
)
MANY_PATTERNS = (
    "process: p\nparams:\n"
    + "".join(f"  p{n}: {{type: string, regex: '(?i)(\\p{{L}}|{n}){{90}}'}}\n" for n in range(2600))
    + "nodes:\n  start: {type: start, next: done}\n  done: {type: end}\n"
)
UNSET_NAMES = (
    HEAD
    + "  n0:\n    type: set_parameter\n    next: done\n    error: done\n    set:\n      x: |\n"
    + "        "
    + "y \n        " * 5000
    + "".join(f"{{{{ u{n} }}}}" for n in range(490))
    + "\n"
)
SAME_KEYS = "process: p\n" + "same: 1\n" * 9000
MANY_CIRCLES = nodes(1800, lambda n: f"n{n}: {{type: delay, for: 1s, next: n{n ^ 1}}}")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (WRONG_NAMES, "unknown-target"),
        (BACK_AND_FORTH, "endless-loop"),
        (MANY_TEMPLATES, "too-large"),
        (REPEATED_TEMPLATE, "too-large"),
        (MANY_PATTERNS, "bad-regex"),
        (UNSET_NAMES, "unset-parameter"),
        (SAME_KEYS, "too-many-faults"),
        (MANY_CIRCLES, "no-way-to-end"),
    ],
    ids=[
        *("wrong names", "back and forth", "many templates", "a repeated template"),
        *("many patterns", "unset names", "the same key", "many circles"),
    ],
)
def test_a_file_that_is_made_to_be_slow_is_answered_in_few_steps(text, rule):
    loaded = []

    steps = steps_of(lambda: loaded.append(load_text(text, "p.yaml")))

    assert rule in {fault.rule for fault in loaded[0].faults}
    assert steps < MOST_STEPS


def test_names_are_guessed_while_there_are_few_wrong_ones():
    loaded = load_text(WRONG_NAMES, "p.yaml")

    targets = [fault.message for fault in loaded.faults if fault.rule == "unknown-target"]

    assert len(targets) == 200
    assert "did you mean" in targets[1]
    assert "did you mean" not in targets[-1]


def test_the_next_file_has_its_guesses_again():
    load_text(WRONG_NAMES, "p.yaml")

    loaded = load_text(HEAD.replace("next: n0", "next: don"), "p.yaml")

    assert "did you mean 'done'?" in loaded.faults[0].message


def test_a_name_as_long_as_a_file_makes_no_message_as_long():
    long = f"process: p\nx: &a {'x' * 500_000}\nnodes:\n  start: {{type: start, next: *a}}\n"

    loaded = load_text(long, "p.yaml")

    assert max(len(fault.message) for fault in loaded.faults) == 1000


def test_expressions_beyond_the_limit_are_one_fault():
    loaded = load_text(MANY_TEMPLATES, "p.yaml")

    too_large = [fault for fault in loaded.faults if fault.rule == "too-large"]

    assert [fault.message for fault in too_large] == [
        "the expressions of a process have together at most 65536 characters"
    ]
    assert too_large[0].line == 27


def test_the_next_file_has_its_expressions_and_patterns_again():
    for text in (MANY_TEMPLATES, MANY_PATTERNS):
        load_text(text, "p.yaml")

    few = HEAD.replace("number}", "string, regex: '[a-z]+'}").replace("next: n0", "next: n0") + (
        "  n0: {type: condition, cases: [{when: a == 1, next: done}], else: done}\n"
    )

    assert load_text(few, "p.yaml").faults == ()


def test_a_script_that_aliases_repeat_is_read_once():
    from engine.core.javascript import syntax_error

    text = (
        HEAD
        + "  n0: {type: code, next: n1, error: done, source: &s 'data.a = 1'}\n"
        + "  n1: {type: code, next: done, error: done, source: *s}\n"
    )
    syntax_error.cache_clear()

    loaded = load_text(text, "p.yaml")

    assert loaded.faults == ()
    assert syntax_error.cache_info().misses == 1


def test_in_a_circle_each_node_comes_before_each():
    loaded = load_text(
        HEAD + "  n0: {type: set_parameter, set: {b: '{{ d }}'}, next: n1, error: done}\n"
        "  n1: {type: delay, for: 1s, next: n2}\n"
        "  n2: {type: set_parameter, set: {d: '{{ b }}{{ e }}'}, next: n3, error: done}\n"
        "  n3: {type: condition, cases: [{when: a > 1, next: n4}], else: n0}\n"
        "  n4: {type: set_parameter, set: {e: '{{ d }}'}, next: done, error: done}\n",
        "p.yaml",
    )

    assert [fault.message for fault in loaded.faults] == [
        "nothing on the way to 'n2' sets the parameter 'e'"
    ]
