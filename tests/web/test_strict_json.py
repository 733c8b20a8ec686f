"""Names that come twice, against a reading of the same text by somebody else."""

import json

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from engine.web.strict_json import repeated_name

TEXTS = st.text(st.sampled_from('a:"\\b\u00e9\u003a {,}'), max_size=4)
ESCAPED = TEXTS.map(lambda text: json.dumps(text).replace(":", "\\u003a"))
WRITTEN = st.one_of(TEXTS.map(json.dumps), ESCAPED)
SPACES = st.sampled_from(["", " ", "\n"])


def objects(values):
    members = st.lists(st.tuples(WRITTEN, SPACES, values), max_size=4)
    return members.map(
        lambda pairs: "{" + ",".join(f"{name}{space}:{value}" for name, space, value in pairs) + "}"
    )


def lists(values):
    return st.lists(values, max_size=3).map(lambda items: f"[{', '.join(items)}]")


DOCUMENTS = st.recursive(
    st.one_of(WRITTEN, st.sampled_from(["1", "-0.5e3", "null", "true"])),
    lambda values: objects(values) | lists(values),
    max_leaves=12,
)


def twice(text):
    """Gives every name that comes twice in an object."""
    found = set()

    def check(pairs):
        names = [name for name, _ in pairs]
        found.update(name for name in names if names.count(name) > 1)

    json.loads(text, object_pairs_hook=check)
    return found


@given(DOCUMENTS)
@example('{"a:": ":", "b": "\\u003a", "b": 1}')
@example('{"a": ":", "a": ":"}')
def test_a_name_is_found_if_and_only_if_it_comes_twice(text):
    written = text.encode()

    found = repeated_name(written, msgspec.json.decode(written))

    expected = twice(text)
    assert (found is None) == (expected == set())
    assert found is None or found in expected
