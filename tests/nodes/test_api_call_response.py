"""API Call: what the task gets of an answer."""

import json

import pytest

from engine.errors import TemplateError
from engine.node import Constant, ErrorKind, Fail, Go, HttpAnswer
from nodes.api_call import ApiCall
from nodes.api_call.settings import Settings

JSON = "application/json"
URL = Constant("https://api.example.com")


def answer(body, type_=JSON, status=200, *more):
    content = body if isinstance(body, bytes) else body.encode()
    headers = (("content-type", type_),) if type_ else ()
    return HttpAnswer(status, (*headers, *more), content)


def take(visit, received, data=None, **keys):
    return ApiCall().resume(Settings(URL, **keys), visit(data), received)


def written(visit, received, **keys):
    outcome = take(visit, received, **keys)
    assert isinstance(outcome, Go), outcome
    return outcome.changes


def failed(visit, received, **keys):
    outcome = take(visit, received, **keys)
    assert isinstance(outcome, Fail), outcome
    assert outcome.kind is ErrorKind.SOFTWARE
    return outcome


def codes(status):
    return {
        "__conveyor_api_return_http_code__": status,
        "__conveyor_api_return_code__": status,
    }


# Good answers without a mapping


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206])
def test_the_fields_of_a_json_object_are_merged(visit, status):
    received = answer('{"sid":"SM1","status":"queued","error_code":null}', status=status)

    assert take(visit, received) == Go(
        changes={"sid": "SM1", "status": "queued", "error_code": None}
    )


@pytest.mark.parametrize(
    "type_",
    [
        "application/json; charset=utf-8",
        "application/problem+json",
        "text/json",
        "Application/JSON",
        "text/plain",
        "text/html; charset=utf-8",
        "",
    ],
)
def test_json_is_read_whatever_type_it_has(visit, type_):
    assert written(visit, answer('{"a":1}', type_)) == {"a": 1}


def test_integers_of_any_length_are_exact(visit):
    assert written(visit, answer('{"id":12345678901234567890123}')) == {
        "id": 12345678901234567890123
    }


def test_numbers_with_fractions_are_kept(visit):
    assert written(visit, answer('{"price":1.5}')) == {"price": 1.5}


def test_texts_that_look_like_numbers_stay_texts(visit):
    assert written(visit, answer('{"a":"007","b":"1e5","c":"None"}')) == {
        "a": "007",
        "b": "1e5",
        "c": "None",
    }


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ("[1,2]", {"__conveyor_api_array__": [1, 2]}),
        ("7", {"__conveyor_api_body__": 7}),
        ('"ok"', {"__conveyor_api_body__": "ok"}),
        ("null", {"__conveyor_api_body__": None}),
    ],
)
def test_json_that_is_no_object_has_names_of_its_own(visit, body, changes):
    assert written(visit, answer(body)) == changes


def test_an_image_is_kept_as_base64(visit):
    assert written(visit, answer(b"\x89PNG\xff", "image/png")) == {
        "__conveyor_api_image__": "iVBOR/8="
    }


def test_the_fields_of_a_form_are_texts(visit):
    received = answer("a=1&b=&c=%C3%A9+x", "application/x-www-form-urlencoded")

    assert written(visit, received) == {"a": "1", "b": "", "c": "é x"}


@pytest.mark.parametrize("type_", ["application/xml", "text/xml", "application/soap+xml"])
def test_xml_becomes_an_object(visit, type_):
    received = answer('<?xml version="1.0"?><pay id="7"><sum>5</sum></pay>', type_)

    assert written(visit, received) == {"pay": {"@id": "7", "sum": "5"}}


def test_names_of_the_engine_are_not_taken_from_an_answer(visit):
    body = {
        "a": 1,
        "__conveyor_api_return_type_tag__": "x",
        "__callback_url": "x",
        "__headers": "x",
        "__rpc_corr_id__": "x",
        "__copy_ref_id__": "x",
        "__typename": "Order",
    }

    assert written(visit, answer(json.dumps(body))) == {"a": 1, "__typename": "Order"}


def test_a_body_is_read_in_its_charset(visit):
    body = '{"a":"Привет"}'.encode("windows-1251")

    assert written(visit, answer(body, "application/json; charset=windows-1251")) == {"a": "Привет"}


@pytest.mark.parametrize("charset", ["no-such", "rot13", "zip", '"'])
def test_a_charset_that_is_none_is_taken_for_utf8(visit, charset):
    received = answer('{"a":"é"}', f"application/json; charset={charset}")

    assert written(visit, received) == {"a": "é"}


def test_bytes_that_are_no_text_are_replaced(visit):
    assert written(visit, answer(b'{"a":"\xff"}')) == {"a": "\ufffd"}


def test_half_of_a_surrogate_pair_is_replaced(visit):
    changes = written(visit, answer(r'{"a":"\ud800","b":"\uD83D\uDE00"}'))

    assert changes == {"a": "?", "b": "😀"}
    assert json.dumps(changes, ensure_ascii=False).encode()


def test_a_byte_order_mark_is_no_part_of_the_body(visit):
    assert written(visit, answer(b'\xef\xbb\xbf{"a":1}')) == {"a": 1}


# Answers that can't be used


@pytest.mark.parametrize(
    "body",
    [
        "ok",
        "{",
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        "[" * 200_000,
        "1" * 5000,
        "",
    ],
)
def test_a_body_that_is_no_json_fails_the_node(visit, body):
    outcome = failed(visit, answer(body))

    assert outcome.tag == "api_no_valid_json"
    assert outcome.description == f"Not valid http result json({body[:300]})"
    assert outcome.changes == codes(200)


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        ("ok", "text/plain"),
        ("<html>", "text/html"),
        ("<a>", "application/xml"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "application/xml"),
    ],
)
def test_other_texts_fail_the_node(visit, body, type_):
    assert failed(visit, answer(body, type_)).tag == "api_no_valid_json"


@pytest.mark.parametrize("status", [200, 201])
def test_an_answer_without_a_body_fails_the_node(visit, status):
    assert failed(visit, answer("", status=status)).tag == "api_no_valid_json"


@pytest.mark.parametrize("status", [202, 204, 205])
def test_some_answers_need_no_body(visit, status):
    assert written(visit, answer("", "", status)) == {}


def test_the_answer_to_head_has_no_body(visit):
    assert written(visit, answer("", status=200), method=Constant("head")) == {}


# Error answers


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_an_error_answer_is_merged_and_fails_the_node(visit, status):
    body = '{"code":21211,"message":"no","__conveyor_x__":1}'

    assert take(visit, answer(body, status=status)) == Fail(
        ErrorKind.SOFTWARE,
        "api_bad_answer",
        f"{status} {body}",
        {"code": 21211, "message": "no", **codes(status)},
    )


@pytest.mark.parametrize(
    ("body", "type_"),
    [("[1]", JSON), ("busy", "text/plain"), ("", ""), ("{", JSON), (b"x", "image/png")],
)
def test_an_error_answer_that_is_no_object_leaves_only_its_code(visit, body, type_):
    outcome = failed(visit, answer(body, type_, 503))

    assert outcome.tag == "api_bad_answer"
    assert outcome.changes == codes(503)


def test_a_description_quotes_the_beginning_of_the_body_only(visit):
    outcome = failed(visit, answer("é" * 1000, "text/plain", 500))

    assert outcome.description == "500 " + "é" * 300


def test_a_description_without_a_body_is_the_status(visit):
    assert failed(visit, answer("", "", 502)).description == "502"


def test_a_good_answer_removes_the_code_of_an_earlier_one(visit):
    outcome = take(visit, answer('{"a":1}'), data=codes(429))

    assert outcome == Go(
        changes={"a": 1},
        removed=("__conveyor_api_return_http_code__", "__conveyor_api_return_code__"),
    )


# Mappings


@pytest.fixture
def mapping(computed):
    return {
        Constant("sid"): computed(lambda scope: scope.name("body")["sid"]),
        Constant("code"): computed(lambda scope: scope.name("status")),
        Constant("type"): computed(lambda scope: scope.name("header")["content-type"]),
        computed(lambda scope: f"cookie_{scope.data['n']}"): computed(
            lambda scope: scope.name("header").get("set-cookie", "")
        ),
    }


@pytest.mark.parametrize("status", [200, 201])
def test_a_mapping_writes_only_what_it_names(visit, mapping, status):
    received = answer(
        '{"sid":"SM1","other":1}', JSON, status, ("set-cookie", "a=1"), ("set-cookie", "b=2")
    )

    assert take(visit, received, {"n": 7, "body": "mine"}, response=mapping) == Go(
        changes={"sid": "SM1", "code": status, "type": JSON, "cookie_7": "a=1, b=2"}
    )


def test_a_mapping_applies_to_an_error_answer_too(visit, mapping):
    outcome = take(visit, answer('{"sid":"x"}', status=500), {"n": 7}, response=mapping)

    assert outcome.tag == "api_bad_answer"
    assert outcome.changes == {
        "sid": "x",
        "code": 500,
        "type": JSON,
        "cookie_7": "",
        **codes(500),
    }


def test_a_mapping_that_does_not_fit_an_error_answer_hides_nothing(visit, broken):
    outcome = failed(
        visit, answer('{"message":"no"}', status=500), response={Constant("a"): broken}
    )

    assert outcome.tag == "api_bad_answer"
    assert outcome.changes == codes(500)


def test_a_mapping_that_does_not_fit_a_good_answer_is_left_to_the_engine(visit, broken):
    with pytest.raises(TemplateError):
        take(visit, answer('{"a":1}'), response={Constant("a"): broken})


@pytest.mark.parametrize(
    ("body", "type_", "seen"),
    [
        ("ok", "text/plain", "ok"),
        ("", JSON, ""),
        (b"\x00", "image/png", "AA=="),
        ("[1]", JSON, [1]),
        ("<a>1</a>", "text/xml", {"a": "1"}),
    ],
)
def test_a_mapping_sees_bodies_of_any_type(visit, computed, body, type_, seen):
    response = {Constant("seen"): computed(lambda scope: scope.name("body"))}

    assert written(visit, answer(body, type_), response=response) == {"seen": seen}


def test_a_body_that_breaks_its_promise_fails_the_node_with_a_mapping_too(visit):
    outcome = failed(visit, answer("ok", JSON), response={Constant("a"): Constant(1)})

    assert outcome.tag == "api_no_valid_json"


# Answers of another engine


def ops(body, status=200, **keys):
    content = body if isinstance(body, str) else json.dumps(body)
    return {"received": answer(content, JSON, status), "ops": Constant({}), **keys}


def good(**operation):
    return {"request_proc": "ok", "ops": [{"proc": "ok", "res_data": {"a": 1}, **operation}]}


def test_the_result_of_an_operation_is_merged(visit):
    body = good(res_data={"a": 1, "__conveyor_x__": 2})

    assert take(visit, **ops(body)) == Go(changes={"a": 1})


@pytest.mark.parametrize(
    ("body", "tag", "changes"),
    [
        ({}, "api_no_request_proc", {}),
        ([], "api_no_request_proc", {}),
        ({"request_proc": "fail"}, "api_no_request_proc", {}),
        ({"request_proc": "ok"}, "api_no_ops", {}),
        ({"request_proc": "ok", "ops": []}, "api_no_ops", {}),
        ({"request_proc": "ok", "ops": {}}, "api_no_ops", {}),
        ({"request_proc": "ok", "ops": [1]}, "api_no_ops", {}),
        (good(proc="fail"), "api_bad_answer", {"a": 1}),
        (good(proc="fail", res_data=None), "api_bad_answer", {}),
        (good(res_data=[1]), "api_bad_res_data", {}),
    ],
)
def test_each_fault_of_an_operation_has_its_tag(visit, body, tag, changes):
    outcome = failed(visit, **ops(body))

    assert outcome.tag == tag
    assert outcome.changes == {**changes, **codes(200)}


def test_an_operation_that_failed_with_an_http_error_is_merged_too(visit):
    outcome = failed(visit, **ops(good(proc="fail"), 500))

    assert outcome.tag == "api_bad_answer"
    assert outcome.description.startswith("500 {")
    assert outcome.changes == {"a": 1, **codes(500)}


def test_an_answer_that_is_no_json_fails_an_operation(visit):
    assert failed(visit, **ops("busy")).tag == "api_no_valid_json"


def test_a_mapping_applies_to_the_whole_answer_of_an_operation(visit, computed):
    response = {Constant("proc"): computed(lambda scope: scope.name("body")["request_proc"])}

    assert take(visit, **ops(good(), response=response)) == Go(changes={"proc": "ok"})
