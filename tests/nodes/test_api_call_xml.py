"""XML as JSON and back."""

import pytest

from nodes.api_call.xml import read_xml, write_xml

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'
STRANGER = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "x"}, "<a>x</a>"),
        ({"a": None}, "<a></a>"),
        ({"a": ""}, "<a></a>"),
        ({"a": {}}, "<a></a>"),
        ({"a": True}, "<a>true</a>"),
        ({"a": 7.5}, "<a>7.5</a>"),
        ({"a": '<b> & "c"'}, '<a>&lt;b&gt; &amp; "c"</a>'),
        ({"a": {"@id": 7, "#value": "x"}}, '<a id="7">x</a>'),
        ({"a": {"@t": 'a\n"b"&<'}}, "<a t='a&#10;\"b\"&amp;&lt;'></a>"),
        ({"a": {"b": [1, {"c": 2}], "d": []}}, "<a><b>1</b><b><c>2</c></b></a>"),
        (
            {"soap:Envelope": {"@xmlns:soap": "urn:x", "soap:Body": "é"}},
            '<soap:Envelope xmlns:soap="urn:x"><soap:Body>é</soap:Body></soap:Envelope>',
        ),
    ],
)
def test_a_value_is_written_as_a_document(value, text):
    assert write_xml(value) == PROLOG + text


@pytest.mark.parametrize(
    "value", [{}, [], "a", None, {"a": 1, "b": 2}, {"a": [1]}, {"@a": 1}, {"#value": 1}]
)
def test_a_document_has_one_root(value):
    with pytest.raises(ValueError, match="exactly one root"):
        write_xml(value)


@pytest.mark.parametrize(
    "value",
    [
        {"": 1},
        {"a b": 1},
        {"a><b": 1},
        {"1a": 1},
        {"a:b:c": 1},
        {"a": {"@b c": 1}},
        {"a": {"@": 1}},
        {"a": {"#other": 1}},
        {"a": "\x00"},
        {"a": {"@b": "\x0b"}},
    ],
)
def test_what_xml_can_not_hold_is_refused(value):
    with pytest.raises(ValueError, match="can't"):
        write_xml(value)


def test_a_value_that_is_nested_too_deep_is_refused():
    value = "x"
    for _ in range(102):
        value = {"a": value}

    with pytest.raises(ValueError, match="at most 100 deep"):
        write_xml(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<a>x</a>", {"a": "x"}),
        ("<a/>", {"a": ""}),
        ("<a> x </a>", {"a": " x "}),
        ('<a id="7">x</a>', {"a": {"@id": "7", "#value": "x"}}),
        ('<a id="7"/>', {"a": {"@id": "7"}}),
        ("<a>\n  <b>1</b>\n  <b>2</b><b>3</b>\n</a>", {"a": {"b": ["1", "2", "3"]}}),
        ("<a>x<b>1</b>y</a>", {"a": {"b": "1", "#value": "xy"}}),
        ("<a><![CDATA[<b>]]>&amp;</a>", {"a": "<b>&"}),
        ('<s:a xmlns:s="urn:x"><s:b/></s:a>', {"s:a": {"@xmlns:s": "urn:x", "s:b": ""}}),
        ('<?xml version="1.0" encoding="windows-1251"?><a>é</a>', {"a": "é"}),
    ],
)
def test_a_document_is_read_as_an_object_of_texts(text, value):
    assert read_xml(text) == value


@pytest.mark.parametrize("text", ["", "a", "<a>", "<a></b>", "<a/><b/>", "<a>&b;</a>"])
def test_what_is_no_xml_is_refused(text):
    with pytest.raises(ValueError, match=r"^not XML: "):
        read_xml(text)


@pytest.mark.parametrize("text", [BOMB, STRANGER, "<!DOCTYPE a><a/>"])
def test_a_document_type_is_refused_before_it_is_read(text):
    with pytest.raises(ValueError, match="document type"):
        read_xml(text)


def test_a_document_that_is_nested_too_deep_is_refused():
    assert read_xml("<a>" * 100 + "</a>" * 100)
    with pytest.raises(ValueError, match="more than 100 deep"):
        read_xml("<a>" * 100_000)


def test_what_was_written_is_read_again():
    value = {"a": {"@id": "7", "b": ["1", "<2>"], "c": {"#value": "x", "@d": "\n"}}}

    assert read_xml(write_xml(value)) == value
