"""Which error answers which fault of a request, and its form."""

from pathlib import Path

import pytest
from twilio_world import ACCOUNT, MESSAGES, World

from engine.testing.twilio.errors import FAULTS

SERVICE = "MG" + "a" * 32
SID = "SM" + "0" * 32
PAGE = Path(__file__).parents[3] / "docs" / "twilio-simulator.md"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "a" * 1601}, 21617),
        ({"To": "5550000000"}, 21211),
        ({"To": "+0123456789"}, 21211),
        ({"To": "+15550000000x"}, 21211),
        ({"To": "+155500000\u0661\u0661"}, 21211),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
        ({"From": "name that is too long"}, 21212),
        ({"MessagingServiceSid": "MG1"}, 21701),
        ({"StatusCallback": "engine.example/callback"}, 21609),
        ({"StatusCallback": "ftp://engine.example/callback"}, 21609),
        ({"StatusCallback": "https://my_engine.example/callback"}, 21609),
        ({"StatusCallback": "https:///callback"}, 21609),
        ({"StatusCallback": "https://engine<script>/callback"}, 21609),
        ({"StatusCallback": "https://engine..example/callback"}, 21609),
        ({"StatusCallback": "https://engine.example:99999/callback"}, 21609),
        ({"StatusCallback": "https://engine.example:0/callback"}, 21609),
        ({"StatusCallback": "https://[::1/callback"}, 21609),
        ({"StatusCallback": "https://engine.example/a b"}, 21609),
        ({"StatusCallback": "https://engine.example/" + "a" * 3978}, 21609),
        ({"MediaUrl": ["https://engine.example/a.png"] * 11}, 21623),
        ({"MediaUrl": "a.png"}, 21620),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "9" * 5000}, 21624),
        ({"ScheduleType": "sometime"}, 35126),
        ({"ScheduleType": "fixed"}, 35118),
        ({"ScheduleType": "fixed", "MessagingServiceSid": SERVICE}, 35111),
        (
            {"ScheduleType": "fixed", "MessagingServiceSid": SERVICE, "SendAt": "tomorrow"},
            35114,
        ),
        (
            {
                "ScheduleType": "fixed",
                "MessagingServiceSid": SERVICE,
                "SendAt": "2023-11-14T22:20:00Z",  # 400 s after the start
            },
            35114,
        ),
    ],
)
async def test_a_faulty_message_gets_its_error_and_is_not_accepted(world, fields, code):
    answer = await world.send(**fields)

    error = answer.json()
    assert (answer.status_code, error["code"], error["status"]) == (400, code, 400)
    assert error["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert error["message"]
    assert world.entries == []


@pytest.mark.parametrize(
    "fields",
    [
        {"Body": "a" * 1600},
        {"Body": "", "MediaUrl": "https://engine.example/a.png"},
        {"Body": "", "ContentSid": "HX" + "a" * 32},
        {"From": "12345"},
        {"From": "Conveyor"},
        {"From": "whatsapp:+15005550006", "To": "whatsapp:+15550000000"},
        {"StatusCallback": "https://engine.example/" + "a" * 3977},
        {"StatusCallback": "http://127.0.0.1:8080/callback"},
        {"ValidityPeriod": "36000"},
        {"Unknown": "field"},
    ],
)
async def test_what_is_just_right_is_accepted(world, fields):
    answer = await world.send(**fields)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("user", "token"), [("", ""), (ACCOUNT, ""), ("AC1", "token"), ("admin", "token")]
)
async def test_credentials_that_are_none_are_refused(world, user, token):
    answer = await world.request("GET", user=user, token=token)

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert answer.headers["www-authenticate"] == 'Basic realm="Twilio API"'


@pytest.mark.parametrize(
    "header", ["", "Bearer abc", "Basic", "Basic %%%", "Basic /w==", "Basic YQ=="]
)
async def test_an_authorization_that_says_nothing_is_refused(world, header):
    answer = await world.request("GET", headers={"Authorization": header}, auth=None)

    assert answer.status_code == 401


async def test_only_the_required_token_is_taken_when_there_is_one():
    world = World(auth_token="right")

    wrong = await world.request("GET", token="wrong")
    right = await world.request("GET", token="right")

    assert (wrong.status_code, right.status_code) == (401, 200)


async def test_an_api_key_with_its_secret_is_taken(world):
    answer = await world.request("GET", user="SK" + "a" * 32, token="secret")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/2010-04-01/Accounts/AC1/Messages.json",
        "/2010-04-01/Accounts/AC" + "f" * 32 + "/Messages.json",
        f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json",
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json",
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}/Media.json",
        f"/2008-08-01/Accounts/{ACCOUNT}/Messages.json",
    ],
)
async def test_what_does_not_exist_is_not_found(world, path):
    answer = await world.request("GET", path)

    assert answer.status_code == 404
    if path.endswith(".json"):
        assert answer.json() == {
            "code": 20404,
            "message": f"The requested resource {path} was not found",
            "more_info": "https://www.twilio.com/docs/errors/20404",
            "status": 404,
        }


async def test_the_message_of_another_account_is_not_found(world):
    sid = (await world.send()).json()["sid"]
    other = "AC" + "b" * 32

    path = f"/2010-04-01/Accounts/{other}/Messages/{sid}.json"
    answer = await world.request("GET", path, user=other)

    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_method_that_does_not_exist_is_not_allowed(world, method):
    answer = await world.request(method)

    assert (answer.status_code, answer.json()["code"]) == (405, 20004)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"Status": "canceled"}, 409, 30409),
        ({"Status": "sent"}, 400, 20001),
        ({"Body": "other"}, 400, 20001),
    ],
)
async def test_a_change_that_is_not_possible_is_refused(world, form, status, code):
    sid = (await world.send()).json()["sid"]

    answer = await world.request("POST", MESSAGES.replace(".json", f"/{sid}.json"), form)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_method_that_no_message_has_is_not_allowed(world):
    answer = await world.request("PUT", MESSAGES.replace(".json", f"/{SID}.json"))

    assert (answer.status_code, answer.json()["code"]) == (405, 20004)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"To": "+15550000000"}', "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"&&&=&=1&a", "application/x-www-form-urlencoded"),
        (b"\xff\xfe=%zz&To=%ff", "application/x-www-form-urlencoded"),
        (b"a&" * 100_000, "application/x-www-form-urlencoded"),
        (b"", ""),
    ],
)
async def test_a_body_that_is_no_form_gets_an_error_in_twilios_form(world, content, content_type):
    headers = {"Content-Type": content_type}

    answer = await world.request("POST", content=content, headers=headers)

    assert (answer.status_code, answer.json()["status"]) == (400, 400)


async def test_a_body_that_is_too_large_is_refused_without_reading_on(world):
    answer = await world.request("POST", content=b"a" * 300_000)

    assert answer.json() == {"message": "Request Entity Too Large", "status": 413}


async def test_a_fault_of_the_simulator_is_answered_in_twilios_form(world, caplog):
    world.api.list = None

    answer = await world.request("GET")

    assert (answer.status_code, answer.json()["code"]) == (500, 20500)
    assert "The simulator failed on GET" in caplog.text


async def test_an_error_is_xml_where_the_path_does_not_ask_for_json(world):
    answer = await world.request("POST", MESSAGES.removesuffix(".json"), {"To": "<&>"})

    assert answer.headers["content-type"] == "application/xml"
    assert answer.text == (
        "<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse><RestException>"
        "<Code>21603</Code><Message>A 'From' phone number or a 'MessagingServiceSid' is required."
        "</Message><MoreInfo>https://www.twilio.com/docs/errors/21603</MoreInfo>"
        "<Status>400</Status></RestException></TwilioResponse>"
    )


def test_every_error_is_documented():
    page = PAGE.read_text(encoding="utf-8")

    assert [code for code in FAULTS if f"| {code} |" not in page] == []
