"""Whatever stands in a file: no crash, and every fault has a place in that file."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.definition import compile_graph, drawing_of, load_text, rules

BROKEN = Path(__file__).parent / "broken"
SEEDS = [path.read_text(encoding="utf-8") for path in sorted(BROKEN.glob("*/*.yaml"))]
PIECES = [
    *("{{", "}}", "{%", "[", "]", "{", "}", ":", "- ", "&a ", "*a", "<<: ", "!!str ", "|\n", ">\n"),
    *("'", '"', "\\", "\t", "\n", "\r\n", "\x85", "\u2028", "\x00", "\ufeff", "\ud800", "é", "😀"),
    *(
        "null",
        "true",
        "no",
        "~",
        "1e999",
        "-1",
        "9" * 5000,
        "30s",
        "type: ",
        "next: ",
        "? ",
        "---\n",
    ),
    *("%YAML 1.2\n", "#", ",", "{{ a.b }}", "{{ 9 ** 9 ** 9 }}", "x" * 2000, "[" * 100),
]


@st.composite
def mutated(draw):
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from([0, 0, 1, 3, 20]))
        piece = draw(st.one_of(st.just(""), st.sampled_from(PIECES), st.text(max_size=5)))
        text = text[:at] + piece + text[at + length :]
    return text


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.one_of(
        mutated(), mutated().map(lambda t: t.encode("utf-8", "replace")), st.binary(max_size=200)
    )
)
def test_mutated_file_never_crashes_and_every_fault_has_a_place(catalog, content):
    loaded = load_text(content, "p.yaml", catalog)

    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for fault in loaded.faults:
        assert fault.file == "p.yaml"
        assert fault.rule in rules()
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
        assert fault.message
        assert "Traceback" not in fault.message
    for definition in loaded.definitions:
        compile_graph(definition, version=1, conv_id=1)
        drawing_of(definition)
