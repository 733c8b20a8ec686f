"""SVG, Mermaid and DOT: complete, safe against what is in titles, always the same."""

import re
from xml.etree import ElementTree as ET

import pytest

from engine.definition.picture.dot import write_dot
from engine.definition.picture.drawing import Drawing, Line, Picture, Shape
from engine.definition.picture.mermaid import write_mermaid
from engine.definition.picture.rendering import render
from engine.definition.picture.svg import shorten_count, write_svg
from engine.definition.picture.terminal import write_text

SVG = "{http://www.w3.org/2000/svg}"
WRITERS = [write_svg, write_mermaid, write_dot, write_text]


def groups(svg, css_class):
    root = ET.fromstring(svg)
    return [group for group in root.iter(f"{SVG}g") if group.get("class") == css_class]


@pytest.mark.parametrize("write", WRITERS)
def test_the_same_picture_is_always_the_same_text(write, sms):
    assert write(sms) == write(sms)


@pytest.mark.parametrize(
    ("ending", "begin"),
    [
        (".svg", b"<svg "),
        (".png", b"\x89PNG"),
        (".mmd", b"flowchart TD"),
        (".dot", b"digraph {"),
        (".txt", b"Sending SMS"),
    ],
)
def test_the_ending_of_a_file_decides_its_form(ending, begin, sms):
    assert render(sms, ending).startswith(begin)


def test_other_endings_are_refused(sms):
    with pytest.raises(ValueError, match=r"not '\.gif'"):
        render(sms, ".gif")


@pytest.mark.parametrize("write", WRITERS)
def test_a_drawing_without_nodes_can_be_written(write):
    assert "Nothing" in write(Picture([Drawing("Nothing", [])]))


@pytest.mark.parametrize("write", WRITERS)
def test_no_control_character_gets_into_a_picture(write, hostile):
    text = write(hostile)

    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


def test_svg_has_every_node_with_its_drawing(sms):
    nodes = groups(write_svg(sms), "node")

    assert [(node.get("data-drawing"), node.get("data-node")) for node in nodes] == [
        (str(number), shape.id)
        for number, drawing in enumerate(sms.drawings)
        for shape in drawing.shapes
    ]


def test_svg_has_every_line_with_its_kind(sms):
    lines = groups(write_svg(sms), "line")

    drawn = {(line.get("data-source"), line.get("data-target")) for line in lines}
    assert drawn >= {(i.source, i.target) for d in sms.drawings for i in d.lines}
    assert ("copy", "start", "message") in {
        (line.get("data-source"), line.get("data-target"), line.get("data-kind")) for line in lines
    }
    assert len(lines) == 28


def test_svg_dashes_timeouts_and_messages(sms):
    lines = groups(write_svg(sms), "line")

    dashed = {
        line.get("data-kind")
        for line in lines
        if any(path.get("stroke-dasharray") for path in line.iter(f"{SVG}path"))
    }
    assert dashed == {"timeout", "message"}


def test_svg_tells_the_whole_title_and_the_id_in_a_tooltip(sms):
    nodes = groups(write_svg(sms), "node")

    tips = {node.get("data-node"): node.findtext(f"{SVG}title") for node in nodes}
    assert tips["refused"] == "Error from Twilio calling API SMS\nrefused (reply_to_process)"
    assert tips["what_failed"] == "what_failed (condition)"


def test_svg_brings_nothing_from_elsewhere(sms):
    svg = write_svg(sms)

    assert set(re.findall(r"https?://[^\"' ]+", svg)) == {"http://www.w3.org/2000/svg"}
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags == {"svg", "title", "rect", "g", "path", "text"}


def test_svg_has_a_light_ground_of_its_own(sms):
    root = ET.fromstring(write_svg(sms))

    ground = root.find(f"{SVG}rect")
    assert ground is not None
    assert (ground.get("width"), ground.get("height")) == (root.get("width"), root.get("height"))
    assert ground.get("fill") == "#f3f5f8"


def test_svg_is_xml_whatever_titles_hold(hostile):
    svg = write_svg(hostile)

    nodes = groups(svg, "node")
    assert nodes[1].get("data-node") == "a-]\"'<b>;"
    assert "<script" not in svg
    assert "日本 ключ 🙂" in svg


def test_svg_shows_how_many_tasks_stand_in_a_node_and_have_passed_it():
    shapes = [
        Shape("start", "start", passed=12_345),
        Shape("send", "api_call", "Send", standing=7),
        Shape("end", "end"),
    ]

    nodes = groups(write_svg(Picture([Drawing("Counts", shapes)])), "node")

    counts = [
        {text.get("data-count"): text.text for text in node.iter(f"{SVG}text")} for node in nodes
    ]
    assert counts[0]["passed"] == "12.3k"
    assert counts[1]["standing"] == "7"
    assert set(counts[2]) == {None}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0k"),
        (999_949, "999.9k"),
        (1_200_000, "1.2M"),
        (3_000_000_000, "3.0G"),
    ],
)
def test_large_counts_are_shortened(count, text):
    assert shorten_count(count) == text


def test_mermaid_has_every_node_and_every_line(callback):
    text = write_mermaid(Picture([callback]))

    assert text.splitlines() == [
        "flowchart TD",
        '  subgraph p0["Getting callback"]',
        "    direction TB",
        '    p0n0(["Start"]):::good',
        '    p0n1("Callback<br><small>waiting for callback</small>")',
        '    p0n2{{"Status?<br><small>condition</small>"}}',
        '    p0n3("Modify task in #34;Sending SMS#34;<br><small>modify task</small>")',
        '    p0n4(["End"]):::good',
        "    p0n0 --> p0n1",
        "    p0n1 --> p0n2",
        '    p0n2 -->|"delivered"| p0n3',
        '    p0n2 -->|"failed"| p0n3',
        '    p0n2 -->|"else"| p0n1',
        "    p0n3 --> p0n4",
        "  end",
        "  classDef aside fill:#fff7dc,stroke:#e2c15c,color:#57460f",
        "  classDef good fill:#dff6e5,stroke:#1a7f37,color:#1a7f37",
        "  classDef bad fill:#ffe9e7,stroke:#c0262d,color:#c0262d",
    ]


def test_mermaid_has_the_messages_between_drawings(sms):
    lines = write_mermaid(sms).splitlines()

    assert '  p0n11 -.->|"ref = sid"| p1n0' in lines
    assert '  p1n3 -.->|"ref = ref"| p0n16' in lines


def test_mermaid_quotes_what_would_break_it(hostile):
    text = write_mermaid(hostile)

    quoted = re.findall(r'"([^"]*)"', text)
    assert len(quoted) == 7
    for words in quoted:
        plain = re.sub(r"<br>|</?small>|</?b>|#\d+;", "", words)
        assert not re.search(r"[<>`;\\&|\[\]{}]", plain)
        assert "#" not in plain
    assert "#60;/text#62;#60;script#62;" in text


def test_mermaid_tells_counts(hostile):
    assert "<b>3 standing, 1234567 passed</b>" in write_mermaid(hostile)


def test_dot_has_every_node_and_every_line(sms):
    text = write_dot(sms)

    for number, drawing in enumerate(sms.drawings):
        for shape in drawing.shapes:
            assert f'    "{number}.{shape.id}" [label=' in text
        for line in drawing.lines:
            assert f'    "{number}.{line.source}" -> "{number}.{line.target}" [color=' in text
    assert '  "0.copy" -> "1.start" [color="#7a4fd0", label="ref = sid"' in text


def test_dot_quotes_what_would_break_it():
    shapes = [Shape('a"b', "code", 'say "hi" \\ to\nall\x1b'), Shape("end", "end", "]; }")]
    picture = Picture([Drawing('T"', shapes, [Line('a"b', "end", label='x"]')])])

    lines = write_dot(picture).splitlines()

    assert '    label="T\\""' in lines
    assert lines[6].startswith(r'    "0.a\"b" [label="say \"hi\" \\ to\nall \ncode", tooltip=')
    assert lines[8] == (
        r'    "0.a\"b" -> "0.end" [color="#5b6875", label="x\"]", fontcolor="#5b6875"]'
    )


def test_dot_tells_counts(hostile):
    assert r"\n3 standing\n1234567 passed" in write_dot(hostile)
