"""`POST /api/1/json/plugins/twilio/{conv_id}/{node_id}/{hash}`."""

import hashlib

import pytest
from twilio.request_validator import RequestValidator

SID = "SM00112233445566778899aabbccddeeff"
TOKEN = "0123456789abcdef0123456789abcdef"
OLD_TOKEN = "fedcba9876543210fedcba9876543210"
PUBLIC = "https://engine.example/behind"


def status(value, **fields):
    sent = {"MessageSid": SID, "SmsSid": SID, "MessageStatus": value, "SmsStatus": value}
    return sent | fields


def path_of(site):
    return site.callback_path("sms", "callback", "twilio").removeprefix(PUBLIC)


async def report(site, value, **options):
    return await site.http.post(path_of(site), data=status(value), **options)


async def message_status(site):
    return (await site.task("sms", SID))["data"].get("MessageStatus")


async def test_a_status_reaches_the_task_whose_ref_is_the_message(site):
    await site.submit("sms", ref=SID)

    response = await site.http.post(
        path_of(site), data=status("delivered", To="+15551234567", ErrorCode="")
    )

    task = await site.task("sms", SID)
    assert (response.status_code, response.content) == (204, b"")
    assert task["status"] == "success"
    assert (task["data"]["To"], task["data"]["ErrorCode"]) == ("+15551234567", "")


async def test_a_status_before_its_task_is_kept(site):
    response = await report(site, "delivered")
    task = (await site.submit("sms", ref=SID)).json()

    assert response.status_code == 204
    assert task["status"] == "success"


async def test_the_sid_of_an_sms_is_enough(site):
    await site.submit("sms", ref=SID)
    await site.http.post(path_of(site), data={"SmsSid": SID, "SmsStatus": "sent"})

    assert (await site.task("sms", SID))["data"]["SmsStatus"] == "sent"


async def test_of_a_field_that_comes_twice_the_last_counts(site):
    await site.submit("sms", ref=SID)
    await site.http.post(path_of(site), content=f"MessageSid={SID}&X=1&X=2&MessageStatus=sent",
                         headers={"content-type": "application/x-www-form-urlencoded"})  # fmt: skip

    assert (await site.task("sms", SID))["data"]["X"] == "2"


async def test_a_status_that_was_overtaken_has_no_effect(site):
    await site.submit("sms", ref=SID)
    order = ["queued", "sent", "sending", "queued", "accepted", "scheduled"]
    answers = [(await report(site, each)).status_code for each in order]

    assert answers == [204] * 6
    assert await message_status(site) == "sent"


async def test_a_status_that_comes_twice_counts_once(site):
    await site.submit("sms", ref=SID)
    for _ in range(3):
        assert (await report(site, "sent")).status_code == 204

    shown = (await site.http.get(f"/v1/processes/sms/tasks/{SID}?history=1")).json()
    assert [visit["node"] for visit in shown["history"]].count("is_final") == 1


async def test_of_two_final_statuses_the_first_counts(site):
    await site.submit("sms", ref=SID)
    await report(site, "delivered")
    late = await report(site, "undelivered")

    assert late.status_code == 204
    assert await message_status(site) == "delivered"


async def test_a_status_that_nobody_knows_yet_is_taken_for_a_final_one(site):
    await site.submit("sms", ref=SID)
    await report(site, "vaporised")
    await report(site, "sent")

    assert await message_status(site) == "vaporised"


@pytest.mark.parametrize("data", [{}, {"MessageSid": ""}, {"MessageSid": "x" * 256}, {"Sid": SID}])
async def test_a_callback_about_no_message_is_400(site, data):
    response = await site.http.post(path_of(site), data=data)

    assert response.status_code == 400


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&" * 1001])
async def test_what_is_no_form_is_400(site, body):
    response = await site.http.post(path_of(site), content=body)

    assert response.status_code == 400


async def test_a_wrong_hash_node_or_process_is_denied(site):
    path = path_of(site)
    conv_id, node, _ = path.split("/")[-3:]
    wrong = [
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        path.replace(node, "0" * 24),
        path.replace(f"/{conv_id}/", f"/{conv_id}9/"),
        path.replace(f"/{conv_id}/", "/x/"),
        path.replace(f"/{conv_id}/", f"/{'9' * 5000}/"),
    ]

    for each in wrong:
        assert (await site.http.post(each, data=status("sent"))).status_code == 403


async def test_a_full_engine_asks_twilio_to_repeat(open_other):
    site = await open_other(max_waiting=0)
    response = await report(site, "sent")

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


# Signed.


@pytest.fixture
async def signed_site(open_other):
    return await open_other(twilio_auth_token=f"{TOKEN}, {OLD_TOKEN}", public_url=PUBLIC)


def sign(url, fields, token=TOKEN):
    return {"x-twilio-signature": RequestValidator(token).compute_signature(url, fields)}


async def test_a_signed_callback_is_taken(signed_site):
    await signed_site.submit("sms", ref=SID)
    path = path_of(signed_site)
    for sent, query in (("queued", ""), ("sent", "?a=%C3%A9&b"), ("delivered", "?x=1&x=2")):
        fields = status(sent, Body="é & ü")
        response = await signed_site.http.post(
            path + query, data=fields, headers=sign(PUBLIC + path + query, fields)
        )

        assert response.status_code == 204
    assert await message_status(signed_site) == "delivered"


async def test_both_tokens_count_while_one_is_being_replaced(signed_site):
    fields = status("sent")
    headers = sign(PUBLIC + path_of(signed_site), fields, OLD_TOKEN)

    assert (await report(signed_site, "sent", headers=headers)).status_code == 204


async def test_without_a_right_signature_nothing_is_stored(signed_site):
    url = PUBLIC + path_of(signed_site)
    wrong = [
        {},
        {"x-twilio-signature": ""},
        {"x-twilio-signature": "x"},
        sign(url, status("sent")),
        sign(url, status("delivered"), "another token"),
        sign(signed_site.url + path_of(signed_site), status("delivered")),
    ]

    for headers in wrong:
        response = await report(signed_site, "delivered", headers=headers)

        assert (response.status_code, response.json()["kind"]) == (403, "not_allowed")
    assert (await signed_site.submit("sms", ref=SID)).json()["status"] == "waiting"


async def test_a_signed_json_body_is_taken(signed_site):
    await signed_site.submit("sms", ref=SID)
    body = f'{{"MessageSid": "{SID}", "MessageStatus": "delivered"}}'.encode()
    path = f"{path_of(signed_site)}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = sign(PUBLIC + path, {}) | {"content-type": "application/json; charset=utf-8"}

    other = await signed_site.http.post(path, content=body + b" ", headers=headers)
    response = await signed_site.http.post(path, content=body, headers=headers)

    assert (other.status_code, response.status_code) == (403, 204)
    assert (await signed_site.task("sms", SID))["status"] == "success"


async def test_a_json_body_must_be_an_object(site):
    headers = {"content-type": "application/json"}
    for body in (b"[]", b"{", b'{"MessageSid": 5}'):
        response = await site.http.post(path_of(site), content=body, headers=headers)

        assert response.status_code == 400
