"""API Call: what is sent, and what becomes of calls without an answer."""

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from engine.errors import TemplateError
from engine.node import (
    Ask,
    CallFailed,
    CallFailure,
    Constant,
    ErrorKind,
    Fail,
    Go,
    Hold,
    Size,
    TimeUp,
    parse_duration,
)
from nodes.api_call import ApiCall
from nodes.api_call.doubt import mark_of, with_key_of
from nodes.api_call.settings import Auth, InDoubt, InDoubtPath, Settings

URL = "https://api.example.com/v1/messages"
KEY = "65f0a1b2c3d4e5f601020304-3"
TASK = "65f0a1b2c3d4e5f601020304"
OURS = (("Idempotency-Key", KEY), ("X-Corezoid-TaskID", TASK))
CODES = {"__conveyor_api_return_http_code__": None, "__conveyor_api_return_code__": None}


def call(visit, url=URL, data=None, **keys):
    """The request of a node with these keys."""
    outcome = ApiCall().enter(settings(url, **keys), visit(data))
    assert isinstance(outcome, Ask), outcome
    return outcome.command


def failure(visit, url=URL, **keys):
    outcome = ApiCall().enter(settings(url, **keys), visit())
    assert isinstance(outcome, Fail), outcome
    return outcome


def settings(url=URL, **keys):
    plain = {"max_threads", "request_timeout", "max_response", "auth", "in_doubt", "response"}
    plain |= {"follow_redirects", "verify_tls", "system_params"}
    wrapped = {
        key: value if key in plain or hasattr(value, "render") else Constant(value)
        for key, value in keys.items()
    }
    return Settings(Constant(url), **wrapped)


def headers(command):
    return {name.lower(): value for name, value in command.headers}


# The request as a whole


def test_a_call_without_more_is_a_post_without_a_body(visit):
    command = call(visit)

    assert (command.method, command.url, command.body) == ("POST", URL, None)
    assert command.headers == OURS
    assert (command.timeout_s, command.max_threads) == (30.0, 5)
    assert command.max_response_bytes == 1024 * 1024
    assert (command.follow_redirects, command.verify_tls) == (False, True)
    assert command.client_cert_pem is None


def test_the_limits_of_a_call_can_be_set(visit):
    command = call(
        visit,
        max_threads=1,
        request_timeout=parse_duration("500ms"),
        max_response=Size(10),
        follow_redirects=True,
        verify_tls=False,
        client_cert="PEM",
    )

    assert (command.timeout_s, command.max_threads, command.max_response_bytes) == (0.5, 1, 10)
    assert (command.follow_redirects, command.verify_tls) == (True, False)
    assert command.client_cert_pem == "PEM"


def test_the_same_visit_makes_the_same_request(visit):
    assert call(visit, json={"a": 1}) == call(visit, json={"a": 1})


@pytest.mark.parametrize("method", ["get", "Post", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_a_method_may_be_written_in_any_case(visit, method):
    assert call(visit, method=method).method == method.upper()


def test_a_method_that_is_none_can_not_be_bound(visit):
    outcome = failure(visit, method="TRACE")

    assert (outcome.kind, outcome.tag) == (ErrorKind.HARDWARE, "api_bind_error")
    assert outcome.description.startswith(
        "Error bind params to http query: 'TRACE' is not one of DELETE, GET"
    )


def test_an_error_in_a_value_is_left_to_the_engine(visit, broken):
    with pytest.raises(TemplateError):
        ApiCall().enter(settings(json=broken), visit())


# The URL


@pytest.mark.parametrize("url", ["", "api.example.com/v1", "/v1", "://x", "mailto:a@b.c"])
def test_a_url_without_a_scheme_fails_with_the_words_that_escalations_test(visit, url):
    assert failure(visit, url) == Fail(ErrorKind.SOFTWARE, "api_bad_answer", "no_scheme")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x y",
        "https://a.example/\r\nHost: b.example",
        "https://a.example/\x00",
        " https://a.example",
        "https://a.example\\@b.example",
        "ftp://a.example/x",
        "file:///etc/passwd",
        "https:///path",
    ],
)
def test_a_url_that_could_smuggle_something_in_can_not_be_bound(visit, url):
    outcome = failure(visit, url)

    assert (outcome.kind, outcome.tag) == (ErrorKind.HARDWARE, "api_bind_error")


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        ("https://a.example", {"q": "1"}, "https://a.example?q=1"),
        ("https://a.example/x?a=1", {"q": "2"}, "https://a.example/x?a=1&q=2"),
        ("https://a.example/x?", {"q": "2"}, "https://a.example/x?q=2"),
        ("https://a.example/x#top", {"q": "2"}, "https://a.example/x?q=2#top"),
        ("https://a.example/x", {}, "https://a.example/x"),
        ("https://a.example/x", {"a b": "c&d/é"}, "https://a.example/x?a%20b=c%26d%2F%C3%A9"),
        (
            "https://a.example/x",
            {"n": 7, "t": True, "e": None},
            "https://a.example/x?n=7&t=true&e=",
        ),
        ("https://a.example/x", {"o": {"a": [1]}}, "https://a.example/x?o=%7B%22a%22%3A%5B1%5D%7D"),
    ],
)
def test_query_parameters_are_added_to_those_of_the_url(visit, url, query, expected):
    assert call(visit, url, method="GET", query=query).url == expected


@pytest.mark.parametrize("setting", ["query", "form", "headers", "ops"])
def test_what_must_be_a_mapping_and_is_none_fails_the_node(visit, setting):
    assert failure(visit, **{setting: [1]}) == Fail(
        ErrorKind.SOFTWARE,
        "api_wrong_convert_param",
        f"Param: {setting}, Value: [1], Try convert to: object",
    )


# Credentials


@pytest.mark.parametrize(
    ("url", "sent_to", "header"),
    [
        ("https://user:pass@a.example/x", "https://a.example/x", "Basic dXNlcjpwYXNz"),
        ("https://user@a.example", "https://a.example", "Basic dXNlcjo="),
        ("https://us%40er:p%3Aw@a.example/", "https://a.example/", "Basic dXNAZXI6cDp3"),
        ("https://a:b@c@a.example/", "https://a.example/", "Basic YTpiQGM="),
    ],
)
def test_a_user_in_the_url_becomes_a_header(visit, url, sent_to, header):
    command = call(visit, url)

    assert command.url == sent_to
    assert headers(command)["authorization"] == header


def test_an_at_sign_elsewhere_in_the_url_is_no_user(visit):
    command = call(visit, "https://a.example/users/@me?mail=a@b.c")

    assert command.url == "https://a.example/users/@me?mail=a@b.c"
    assert "authorization" not in headers(command)


def test_user_and_password_are_sent_as_basic_authentication(visit):
    auth = Auth(user=Constant("user"), password=Constant("päss"))

    command = call(visit, "https://other:one@a.example", auth=auth)

    assert headers(command)["authorization"] == "Basic dXNlcjpww6Rzcw=="
    assert command.url == "https://a.example"


def test_a_bearer_token_is_sent(visit):
    assert (
        headers(call(visit, auth=Auth(bearer=Constant(" abc\n"))))["authorization"] == "Bearer abc"
    )


def test_a_token_with_a_line_break_can_not_be_bound_and_is_not_told(visit):
    outcome = failure(visit, auth=Auth(bearer=Constant("to\r\nken")))

    assert outcome.tag == "api_bind_error"
    assert "ken\n" not in outcome.description
    assert "to\r" not in outcome.description


# Headers


def test_headers_of_the_author_win_in_any_case(visit):
    command = call(
        visit,
        json={"a": 1},
        auth=Auth(bearer=Constant("abc")),
        headers={
            "content-type": "application/vnd.api+json",
            "AUTHORIZATION": "Token x",
            "idempotency-key": "mine",
        },
    )

    assert command.headers == (
        ("content-type", "application/vnd.api+json"),
        ("AUTHORIZATION", "Token x"),
        ("idempotency-key", "mine"),
        ("X-Corezoid-TaskID", TASK),
    )


def test_header_values_become_text(visit):
    command = call(
        visit, headers={"X-N": 7, "X-F": 2.0, "X-O": {"a": 1}, "X-E": None, "X-S": " a "}
    )

    assert command.headers[:5] == (
        ("X-N", "7"),
        ("X-F", "2"),
        ("X-O", '{"a":1}'),
        ("X-E", ""),
        ("X-S", "a"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-B: b"),
        ("X-A", "a\nb"),
        ("X-A", "a\x00b"),
        ("X A", "a"),
        ("X:A", "a"),
        ("", "a"),
        ("X-Ä", "a"),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("Connection", "close"),
    ],
)
def test_a_header_that_could_smuggle_something_in_can_not_be_bound(visit, name, value):
    outcome = failure(visit, headers={name: value})

    assert (outcome.kind, outcome.tag) == (ErrorKind.HARDWARE, "api_bind_error")


# The body


def test_a_json_body_keeps_types(visit):
    command = call(visit, json={"n": 10**20, "t": "007", "l": [None, True]})

    assert command.body == b'{"n":100000000000000000000,"t":"007","l":[null,true]}'
    assert headers(command)["content-type"] == "application/json"


def test_a_json_body_may_be_of_any_type(visit):
    assert call(visit, json=[1]).body == b"[1]"


def test_a_form_body_is_text_in_the_order_written(visit):
    command = call(
        visit,
        form={"To": "+15551234567", "Body": "Grüße & mehr", "n": 7, "o": {"a": 1}, "e": None},
    )

    assert command.body == (
        b"To=%2B15551234567&Body=Gr%C3%BC%C3%9Fe+%26+mehr&n=7&o=%7B%22a%22%3A1%7D&e="
    )
    assert headers(command)["content-type"] == "application/x-www-form-urlencoded"


def test_an_xml_body_has_a_prolog(visit):
    command = call(visit, xml={"pay": {"@id": 7, "sum": "5"}})

    assert command.body == (
        b'<?xml version="1.0" encoding="UTF-8" ?><pay id="7"><sum>5</sum></pay>'
    )
    assert headers(command)["content-type"] == "application/xml"


def test_an_xml_body_that_can_not_be_written_can_not_be_bound(visit):
    outcome = failure(visit, xml={"a": 1, "b": 2})

    assert (outcome.tag, outcome.description) == (
        "api_bind_error",
        "Error bind params to http query: an XML body has exactly one root element",
    )


@pytest.mark.parametrize(
    ("value", "sent"), [("é", "é".encode()), ({"a": 1}, b'{"a":1}'), (7, b"7")]
)
def test_a_raw_body_is_sent_as_text(visit, value, sent):
    command = call(visit, body=value)

    assert command.body == sent
    assert headers(command)["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("key", ["json", "form", "xml", "body"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_and_head_have_no_body(visit, computed, method, key):
    command = call(visit, method=computed(lambda scope: method), **{key: {"a": "1"}})

    assert command.body is None
    assert "content-type" not in headers(command)


@pytest.mark.parametrize(
    ("keys", "body"),
    [
        ({"json": {}}, None),
        ({"form": {}}, None),
        ({"body": ""}, None),
        ({"json": {"a": 1}}, b'{"a":1}'),
        ({}, None),
    ],
)
def test_delete_has_a_body_only_if_there_is_something_in_it(visit, keys, body):
    assert call(visit, method="DELETE", **keys).body == body


def test_an_empty_body_of_a_post_is_sent(visit):
    assert call(visit, json={}).body == b"{}"


# System parameters and signatures

# The expected values are those of: printf %s "1700000000s3cret${BODY}s3cret" | sha1sum


def test_system_parameters_name_the_task_in_a_json_body(visit):
    command = call(visit, json={"a": 1}, system_params=True)

    assert json.loads(command.body) == {
        "a": 1,
        "sys": {"ref": "order-1", "obj_id": TASK, "conv_id": 1001, "node_id": "here"},
    }
    assert command.url == URL


def test_system_parameters_leave_other_bodies_alone(visit):
    assert call(visit, json=[1], system_params=True).body == b"[1]"
    assert call(visit, form={"a": 1}, system_params=True).body == b"a=1"


def test_a_secret_signs_the_request_in_the_query(visit):
    command = call(visit, "https://a.example/x?a=1#f", json={"a": 1}, sign_secret="s3cret")

    assert command.url == (
        "https://a.example/x?a=1"
        "&conv_signature=053a186dca7c9efce975b0d303a6c9812d98c13b&conv_time=1700000000&conv_id=1001#f"
    )


def test_a_request_without_a_body_is_signed_too(visit):
    command = call(visit, "https://a.example/x", method="GET", sign_secret="s3cret")

    assert dict(parse_qsl(urlsplit(command.url).query)) == {
        "conv_signature": "9d8bffeba2a852ad5c8bb0a4dd27c985ff23c0b3",
        "conv_time": "1700000000",
        "conv_id": "1001",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/api/2/json/77", "https://a.example/api/2/json/77/1700000000/{}"),
        (
            "https://a.example/api/1/json/77?x=1",
            "https://a.example/api/1/json/77/1700000000/{}?x=1",
        ),
    ],
)
def test_the_url_of_an_api_login_is_signed_in_its_path(visit, url, expected):
    command = call(visit, url, json={"ops": []}, sign_secret="s3cret")

    assert command.url == expected.format("aa1cfed739e6c0d092dd21bbaacccfec248941cb")


def test_ops_carry_the_whole_task(visit):
    command = call(visit, data={"b": 2}, ops={"a": 1})

    assert json.loads(command.body) == {
        "ops": [
            {
                "ref": "order-1",
                "type": "data",
                "obj": "task",
                "obj_id": TASK,
                "conv_id": 1001,
                "node_id": "here",
                "data": {"b": 2},
                "extra": {"a": 1},
            }
        ]
    }
    assert "conv_signature=" in command.url


# Calls without an answer


def resumed(visit, failure, description="", *, data=None, **keys):
    return ApiCall().resume(settings(**keys), visit(data), CallFailed(failure, description))


@pytest.mark.parametrize(
    ("failure", "kind", "tag", "description"),
    [
        (
            CallFailure.INVALID,
            ErrorKind.HARDWARE,
            "api_bind_error",
            "Error bind params to http query: why",
        ),
        (CallFailure.NOT_ALLOWED, ErrorKind.SOFTWARE, "api_host_not_allowed", "why"),
        (CallFailure.UNREACHABLE, ErrorKind.HARDWARE, "api_connection_error", "why"),
        (CallFailure.TIMEOUT, ErrorKind.HARDWARE, "api_timeout", "request exceeded 30 s"),
        (CallFailure.BROKEN, ErrorKind.HARDWARE, "api_connection_error", "why"),
        (CallFailure.TOO_LARGE, ErrorKind.SOFTWARE, "api_task_size_overflow_limit", "why"),
        (CallFailure.INTERNAL, ErrorKind.HARDWARE, "api_fatal_error", "Error running api: why"),
    ],
)
def test_each_failure_of_a_call_has_its_tag(visit, failure, kind, tag, description):
    outcome = resumed(visit, failure, "why")

    assert (outcome.kind, outcome.tag, outcome.description) == (kind, tag, description)
    assert outcome.changes == {}


def test_a_failure_without_a_reason_has_the_usual_words(visit):
    assert resumed(visit, CallFailure.INTERNAL).description == "Error running api"


def test_a_call_without_an_answer_has_no_http_code(visit):
    data = {"__conveyor_api_return_http_code__": 429, "__conveyor_api_return_code__": 429}

    assert resumed(visit, CallFailure.UNREACHABLE, "why", data=data).changes == CODES


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("GET https://u:p@a.example/x?token=1 refused", "GET https://a.example/x refused"),
        ("for url 'https://a.example/x?token=1'", "for url 'https://a.example/x'"),
        ("http://u@a.example", "http://a.example"),
        ("https://a.example/@me", "https://a.example/@me"),
    ],
)
def test_descriptions_hold_no_credentials_and_no_query(visit, told, kept):
    assert resumed(visit, CallFailure.UNREACHABLE, told).description == kept


# Calls in doubt

IN_DOUBT = [
    CallFailure.TIMEOUT,
    CallFailure.BROKEN,
    CallFailure.INTERRUPTED,
    CallFailure.INTERNAL,
]


def test_a_call_that_the_engine_left_is_repeated_with_the_same_key(visit):
    outcome = resumed(visit, CallFailure.INTERRUPTED, json={"a": 1})

    assert outcome == ApiCall().enter(settings(json={"a": 1}), visit())
    assert headers(outcome.command)["idempotency-key"] == KEY


@pytest.mark.parametrize(
    "keys",
    [
        {"json": {"a": 1}},
        {"json": {"a": 1}, "sign_secret": Constant("s")},
        {"url": "https://there.example/api/2/json/login", "sign_secret": Constant("s")},
        {"method": "GET"},
    ],
)
def test_the_same_call_is_known_at_another_time(visit, keys):
    call = ApiCall().enter(settings(**keys), visit()).command
    later = ApiCall().enter(settings(**keys), visit(now=2_000_000_000_000_000)).command
    mark = mark_of(replace(call, headers=(("Idempotency-Key", "first"),)))

    assert headers(with_key_of(mark, later, KEY))["idempotency-key"] == "first"


@pytest.mark.parametrize(
    "keys", [{"json": {"a": 2}}, {"json": {"a": 1}, "method": "PUT"}, {"body": '{"a": 1}'}]
)
def test_another_call_keeps_its_own_key(visit, keys):
    mark = mark_of(ApiCall().enter(settings(json={"a": 1}), visit()).command)
    other = ApiCall().enter(settings(**keys), visit()).command

    assert with_key_of(mark, other, KEY) is other


def test_a_key_of_the_authors_is_sent_as_it_is(visit):
    first = ApiCall().enter(settings(headers={"Idempotency-Key": "a"}), visit()).command
    second = ApiCall().enter(settings(headers={"Idempotency-Key": "b"}), visit()).command

    assert headers(with_key_of(mark_of(first), second, KEY))["idempotency-key"] == "b"


def test_a_call_in_doubt_that_can_not_be_built_again_leaves_no_mark(visit):
    assert resumed(visit, CallFailure.TIMEOUT, url="nowhere").doubt == ""


@pytest.mark.parametrize("failure", IN_DOUBT)
def test_a_call_in_doubt_can_wait_for_a_person(visit, failure):
    outcome = resumed(visit, failure, "why", in_doubt=InDoubt.HOLD)

    assert isinstance(outcome, Hold)
    assert outcome.tag == "api_in_doubt"
    assert outcome.description.startswith("sent, and the answer is unknown: ")


@pytest.mark.parametrize("failure", IN_DOUBT)
def test_a_call_in_doubt_can_fail_with_a_tag_of_its_own(visit, failure):
    outcome = resumed(visit, failure, "why", in_doubt=InDoubt.FAIL)

    assert isinstance(outcome, Fail)
    assert (outcome.kind, outcome.tag) == (ErrorKind.HARDWARE, "api_in_doubt")


@pytest.mark.parametrize("failure", IN_DOUBT)
def test_a_call_in_doubt_can_take_a_way_of_its_own(visit, failure):
    assert resumed(visit, failure, in_doubt=InDoubtPath("was_it_sent")) == Go("was_it_sent")


@pytest.mark.parametrize("policy", [InDoubt.HOLD, InDoubt.FAIL, InDoubtPath("was_it_sent")])
def test_a_call_that_was_never_sent_is_not_in_doubt(visit, policy):
    outcome = resumed(visit, CallFailure.UNREACHABLE, "refused", in_doubt=policy)

    assert outcome == Fail(ErrorKind.HARDWARE, "api_connection_error", "refused", {})


def test_it_waits_for_nothing_else(visit):
    with pytest.raises(NotImplementedError):
        ApiCall().resume(settings(), visit(), TimeUp())


# Problems


def problems(**keys):
    return list(ApiCall().problems(settings(**keys)))


def test_right_settings_have_no_problems(computed):
    assert problems() == []
    assert problems(method="get", query={"a": 1}) == []
    assert problems(method=computed(lambda scope: "GET"), json={}) == []
    assert problems(auth=Auth(user=Constant("u"), password=Constant("p"))) == []
    assert problems(auth=Auth(bearer=Constant("t"))) == []


def test_two_bodies_are_a_problem():
    assert problems(json={}, form={}) == [
        ("form", "a request has one body, and this one has json and form")
    ]


def test_a_method_that_is_none_is_a_problem():
    ((key, message),) = problems(method="FETCH")

    assert key == "method"
    assert message.startswith("'FETCH' is not one of DELETE, GET")


def test_a_body_of_a_get_is_a_problem():
    assert problems(method="GET", json={}) == [
        ("json", "GET has no body: use 'query', or another method")
    ]


@pytest.mark.parametrize(
    "auth",
    [
        Auth(),
        Auth(user=Constant("u")),
        Auth(password=Constant("p")),
        Auth(user=Constant("u"), bearer=Constant("t")),
        Auth(password=Constant("p"), bearer=Constant("t")),
    ],
)
def test_credentials_of_no_kind_or_of_two_are_a_problem(auth):
    assert problems(auth=auth) == [
        ("auth", "the credentials are either 'user' and 'password' or 'bearer'")
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [("max_threads", 0), ("request_timeout", parse_duration(0)), ("max_response", Size(0))],
)
def test_limits_of_nothing_are_a_problem(key, value):
    assert problems(**{key: value}) == [(key, "must be greater than zero")]


def test_without_a_mapping_an_answer_may_set_any_parameter():
    assert ApiCall().writes(settings()) is None
    assert ApiCall().writes(settings(response={Constant("a"): Constant(1)})) == frozenset()
