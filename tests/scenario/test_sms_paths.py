"""Each way through the SMS processes, in virtual time, with a Twilio that is played."""

import pytest
from sms_stage import ACCOUNT, DAY, HOUR, SENDER, TOKEN
from sms_twilio import (
    CUT,
    MORE_INFO,
    SID,
    TIMED_OUT,
    UNREACHABLE,
    Held,
    answer,
    created,
    fetched,
    form_of,
    listed,
    login_of,
    message,
    page,
    refused,
)

from engine.core.batch import Delivery
from engine.core.view import history_view

OTHER = "SMffffffffffffffffffffffffffffffff"


def replied(caller):
    """What the reply added to the data of its caller."""
    names = ("status", "sid", "error_code", "code", "message", "url_more_info")
    return {name: caller.data[name] for name in names if name in caller.data}


async def outcome(stage, caller):
    """The node in which the caller ended, the title of the sender's end, and the reply."""
    asked, sent = await stage.ended(caller)
    assert asked.is_finished
    assert sent.is_finished
    reply = replied(asked)
    assert {name: sent.data.get(name) for name in reply} == reply, "the task says the same itself"
    return asked.node, stage.title(sent), reply


# Delivered, or not.


@pytest.mark.parametrize(
    ("status", "error_code"),
    [("delivered", None), ("undelivered", 30003), ("failed", 30008), ("canceled", None),
     ("read", None), ("partially_delivered", None)],
)  # fmt: skip
async def test_the_final_status_is_returned_to_the_caller(stage, twilio, status, error_code):
    twilio.then(created())

    caller = await stage.submit()
    await stage.report(SID, "sent")
    await stage.report(SID, status, error_code=error_code)

    reply = {"status": status, "sid": SID, "error_code": str(error_code or "")}
    assert await outcome(stage, caller) == ("replied", "Sent", reply)
    listener = await stage.task("getting-callback", SID)
    assert (stage.title(listener), stage.workspace.view(listener)["status"]) == ("End", "success")
    assert await stage.path(listener) == [
        "start", "callback", "status", "callback", "status", "modify_task", "told",
    ]  # fmt: skip


async def test_the_callbacks_of_a_message_stay_with_the_task_that_listens(stage, twilio):
    twilio.then(created())
    caller = await stage.submit()

    await stage.report(SID, "sent")

    listener = await stage.task("getting-callback", SID)
    sender = await stage.sender(caller)
    assert (listener.node, listener.data["MessageStatus"]) == ("callback", "sent")
    assert (listener.data["ref"], listener.data["task_id"]) == (sender.ref, sender.task_id)
    assert (sender.node, sender.data["status"]) == ("waiting", "queued")


async def test_order_shipped_ends_by_what_became_of_its_message(stage, twilio):
    twilio.then(created(), created(OTHER))
    for phone, order in (("+15551234567", "1"), ("+15557654321", "2")):
        await stage.workspace.submit("order-shipped", {"phone": phone, "order": order}, order)
    await stage.settle()

    await stage.report(SID, "delivered")
    await stage.report(OTHER, "undelivered", error_code=30003)

    told, not_told = [await stage.task("order-shipped", order) for order in ("1", "2")]
    assert (stage.title(told), stage.title(not_told)) == (
        "The customer knows",
        "The customer does not know",
    )
    assert form_of(twilio.sent[0])["Body"] == "Your order 1 is on its way."
    assert not_told.data["error_code"] == "30003"


# Refused by Twilio, or not even asked.


async def test_a_refusal_is_told_with_its_code_and_where_to_read_about_it(stage, twilio):
    twilio.then(refused(21211, text="The 'To' number is not valid."))

    caller = await stage.submit()

    assert await outcome(stage, caller) == (
        "exception",
        "Exit. Error from Twilio calling API SMS",
        {
            "code": 21211,
            "message": "The 'To' number is not valid.",
            "url_more_info": f"{MORE_INFO}21211",
        },
    )
    assert (await stage.ended(caller))[1].data["status"] == ""
    assert len(twilio.sent) == 1


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (
            [refused(21211, text="No.")],
            {"code": 21211, "message": "No.", "url_more_info": f"{MORE_INFO}21211"},
        ),
        (
            [refused(20429, 429), *[UNREACHABLE] * 9],
            {
                "code": "api_connection_error",
                "message": "POST https://api.twilio.com: refused",
                "url_more_info": None,
            },
        ),
    ],
)
async def test_a_task_without_a_caller_says_itself_what_went_wrong(stage, twilio, answers, told):
    twilio.then(*answers)
    data = {
        "AccountSid": ACCOUNT,
        "AuthToken": TOKEN,
        "number_from": SENDER,
        "number_to": "+15551234567",
        "body": "Hello",
    }

    await stage.workspace.submit("sending-sms", data, "direct")
    await stage.settle()
    await stage.advance(9 * 30)

    task = await stage.task("sending-sms", "direct")
    assert stage.workspace.view(task)["status"] == "error"
    assert {name: task.data.get(name) for name in told} == told


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410])
async def test_any_other_code_is_final_too(stage, twilio, status):
    twilio.then(refused(63038, status))

    caller = await stage.submit()

    end, title, reply = await outcome(stage, caller)
    assert (end, title) == ("exception", "Exit. Error from Twilio calling API SMS")
    assert reply["code"] == 63038


async def test_a_refusal_without_twilios_code_is_an_error_of_the_call(stage, twilio):
    twilio.then(page(404, "not here"))

    caller = await stage.submit()

    reply = {"code": "api_bad_answer", "message": "404 not here"}
    assert await outcome(stage, caller) == ("exception", "Exit. Error calling API", reply)


async def test_no_connection_is_tried_ten_times_and_told(stage, twilio):
    twilio.then(*[UNREACHABLE] * 10)
    caller = await stage.submit()

    await stage.advance(9 * 30)

    reply = {
        "code": "api_connection_error",
        "message": "POST https://api.twilio.com: refused",
    }
    assert await outcome(stage, caller) == ("exception", "Exit. Error calling API", reply)
    assert len(twilio.sent) == 10


async def test_no_connection_after_a_refusal_is_not_told_as_that_refusal(stage, twilio):
    twilio.then(refused(20429, 429), *[UNREACHABLE] * 9)
    caller = await stage.submit()

    await stage.advance(9 * 30)

    end, title, reply = await outcome(stage, caller)
    assert (end, title) == ("exception", "Exit. Error calling API")
    assert reply["code"] == "api_connection_error"


async def test_a_success_without_status_is_told(stage, twilio):
    twilio.then(answer(201, {"sid": SID}))

    caller = await stage.submit()

    end, title, reply = await outcome(stage, caller)
    assert (end, title) == ("exception", 'Exit. Param "status" is empty')
    assert (reply["code"], reply["sid"]) == ("status_is_empty", SID)


async def test_a_success_without_sid_is_told(stage, twilio):
    twilio.then(answer(201, {"status": "queued"}))

    caller = await stage.submit()

    assert (await outcome(stage, caller))[:2] == ("exception", 'Exit. Param "status" is empty')


async def test_a_copy_that_fails_is_told_with_the_sid_of_what_was_sent(stage, twilio):
    await stage.workspace.submit("getting-callback", {"ref": "somebody"}, SID)
    twilio.then(created())

    caller = await stage.submit()

    reply = {"code": "not_unical_ref", "message": "not unical reference", "sid": SID}
    title = "Exit. Error calling API_copy task to get callback"
    assert await outcome(stage, caller) == ("exception", title, reply)


# Tried again, when Twilio surely did not accept it.


async def test_too_many_requests_twice_and_then_accepted(stage, twilio):
    twilio.then(refused(20429, 429), refused(20429, 429), created())
    caller = await stage.submit()

    await stage.advance(60)
    await stage.report(SID, "delivered")

    reply = {"status": "delivered", "sid": SID, "error_code": ""}
    assert await outcome(stage, caller) == ("replied", "Sent", reply)
    assert len(twilio.sent) == 3
    assert (await stage.ended(caller))[1].data["code"] == ""


@pytest.mark.parametrize("answer", [refused(20503, 503), page(503), page(429), UNREACHABLE])
async def test_what_was_surely_not_accepted_is_sent_after_half_a_minute(stage, twilio, answer):
    twilio.then(answer, created())
    caller = await stage.submit()

    await stage.advance(29)
    assert len(twilio.sent) == 1
    await stage.advance(1)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert (len(twilio.sent), twilio.asked) == (2, [])


@pytest.mark.parametrize(("code", "status"), [(20429, 429), (20503, 503)])
async def test_too_many_requests_are_told_in_the_end(stage, twilio, code, status):
    twilio.then(*[refused(code, status)] * 10)
    caller = await stage.submit()

    await stage.advance(9 * 30)

    end, title, reply = await outcome(stage, caller)
    assert (end, title) == ("exception", "Exit. Error from Twilio calling API SMS")
    assert reply["code"] == code


# Looked up, when it is not known whether Twilio accepted it.


@pytest.mark.parametrize(
    "unknown",
    [CUT, TIMED_OUT, page(500), page(502), refused(20500, 500),
     answer(201, "x", (("content-type", "application/xml"),))],
)  # fmt: skip
async def test_what_may_have_been_sent_is_found_and_not_sent_twice(stage, twilio, unknown):
    twilio.then(unknown, listed(message(status="sent")))
    caller = await stage.submit()

    await stage.advance(10)
    await stage.report(SID, "delivered")

    reply = {"status": "delivered", "sid": SID, "error_code": ""}
    assert await outcome(stage, caller) == ("replied", "Sent", reply)
    assert len(twilio.sent) == 1
    assert twilio.calls[1].url.endswith(
        "/Messages.json?To=%2B15551234567&From=%2B15005550006&PageSize=1000"
    )


async def test_what_is_found_late_is_not_sent_twice(stage, twilio):
    twilio.then(CUT, listed(), listed(), listed(message()))
    caller = await stage.submit()

    await stage.advance(30)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert len(twilio.sent) == 1


async def test_what_is_not_there_is_sent_once_more(stage, twilio):
    twilio.then(page(500), listed(), listed(), listed(), created())
    caller = await stage.submit()

    await stage.advance(30)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert (len(twilio.sent), len(twilio.asked)) == (2, 3)


@pytest.mark.parametrize(
    ("unknown", "code", "text"),
    [(page(500, "Oh"), "api_bad_answer", "500 Oh"),
     (TIMED_OUT, "api_in_doubt", "Twilio did not answer and does not know the message")],
)  # fmt: skip
async def test_what_is_never_accepted_is_told_after_three_times(stage, twilio, unknown, code, text):
    twilio.then(*[unknown, listed(), listed(), listed()] * 3)
    caller = await stage.submit()

    await stage.advance(90)

    reply = {"code": code, "message": text}
    assert await outcome(stage, caller) == ("exception", "Exit. Error calling API", reply)
    assert len(twilio.sent) == 3


@pytest.mark.parametrize(
    "useless", [page(200, "Sign in"), page(502), refused(20429, 429), TIMED_OUT, answer(200, [])]
)
async def test_an_answer_that_lists_nothing_does_not_mean_that_nothing_was_sent(
    stage, twilio, useless
):
    twilio.then(CUT, *[useless] * 5, listed(message()))
    caller = await stage.submit()

    await stage.advance(60)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert len(twilio.sent) == 1


async def test_a_twilio_that_never_lists_anything_ends_in_doubt(stage, twilio):
    twilio.then(CUT, *[page(502)] * 100)
    caller = await stage.submit()

    await stage.advance(HOUR)

    reply = {
        "code": "api_in_doubt",
        "message": "It is not known whether Twilio accepted the message",
    }
    assert await outcome(stage, caller) == ("exception", "Exit. Error calling API", reply)
    assert len(twilio.sent) == 1


async def test_an_older_message_with_the_same_text_is_not_taken_for_this_one(stage, twilio):
    old = message(OTHER, date_created="Tue, 14 Nov 2023 22:12:49 +0000")  # 31 s before
    twilio.then(CUT, *[listed(old)] * 3, created())
    caller = await stage.submit()

    await stage.advance(30)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[2]["sid"] == SID


async def test_what_may_be_on_the_next_page_is_in_doubt_and_not_sent_again(stage, twilio):
    twilio.then(CUT, listed(message(OTHER, body="Something else"), has_more=True))
    caller = await stage.submit()

    await stage.advance(10)

    reply = {
        "code": "api_in_doubt",
        "message": "It is not known whether Twilio accepted the message",
    }
    assert await outcome(stage, caller) == ("exception", "Exit. Error calling API", reply)
    assert len(twilio.sent) == 1


async def test_a_full_page_that_goes_back_far_enough_has_told_everything(stage, twilio):
    old = message(OTHER, date_created="Tue, 14 Nov 2023 22:12:49 +0000")  # 31 s before
    twilio.then(CUT, *[listed(old, has_more=True)] * 3, created())
    caller = await stage.submit()

    await stage.advance(30)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[2]["sid"] == SID
    assert len(twilio.sent) == 2


async def test_another_text_is_not_taken_for_this_one(stage, twilio):
    twilio.then(CUT, listed(message(OTHER, body="Hello again"), message()))
    caller = await stage.submit()

    await stage.advance(10)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[2]["sid"] == SID


async def test_the_sentence_of_a_trial_account_does_not_hide_a_message(stage, twilio):
    twilio.then(CUT, listed(message(body="Sent from your Twilio trial account - Hello")))
    caller = await stage.submit()

    await stage.advance(10)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert len(twilio.sent) == 1


async def test_the_message_of_another_task_is_not_taken_for_this_one(stage, twilio):
    twilio.then(created(OTHER))
    other = await stage.submit()
    both = listed(message(OTHER), message(SID))
    twilio.then(CUT, both, both)
    caller = await stage.submit()

    await stage.advance(10)
    await stage.report(SID, "undelivered")
    await stage.report(OTHER, "delivered")

    assert (await outcome(stage, caller))[2]["sid"] == SID
    assert (await outcome(stage, other))[2]["status"] == "delivered"
    assert len(twilio.sent) == 2


# Crashes.


async def test_a_call_that_was_out_in_a_crash_is_found_and_not_sent_twice(stage, twilio):
    twilio.then(Held(), listed(message()))
    caller = await stage.submit()
    assert len(twilio.sent) == 1

    await stage.restart()
    await stage.advance(10)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert len(twilio.sent) == 1


async def test_a_call_that_a_crash_kept_from_going_out_is_sent_later(stage, twilio):
    twilio.then(listed(), listed(), listed(), created())

    await stage.submit_and_die("after")
    assert twilio.sent == []
    await stage.advance(30)
    await stage.report(SID, "delivered")

    caller = await stage.task("caller", "unanswered")
    assert (caller.node, caller.data["status"], len(twilio.sent)) == ("replied", "delivered", 1)


async def test_a_crash_before_the_order_was_safe_leaves_nothing(stage, twilio):
    await stage.submit_and_die("before")
    await stage.advance(DAY)

    assert (await stage.tasks("caller"), await stage.tasks("sending-sms"), twilio.calls) == (
        [], [], [],
    )  # fmt: skip


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_crash_at_the_commit_of_the_answer_does_not_send_twice(stage, twilio, dies):
    held = Held()
    twilio.then(held, listed(message()))
    caller = await stage.submit()

    stage.store.dies = dies
    held.let_go(created())
    await stage.settle()
    await stage.restart()
    await stage.advance(10)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert len(twilio.sent) == 1


async def test_a_crash_while_the_list_is_asked_asks_again(stage, twilio):
    twilio.then(CUT, Held(), listed(message()))
    caller = await stage.submit()
    await stage.advance(10)

    await stage.restart()
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[0] == "replied"
    assert len(twilio.sent) == 1


async def test_a_callback_that_was_answered_survives_a_crash(stage, twilio):
    held = Held()
    twilio.then(held, listed(message()))
    caller = await stage.submit()
    assert await stage.report(SID, "delivered") is Delivery.KEPT

    await stage.restart()
    await stage.advance(10)

    assert (await outcome(stage, caller))[2]["status"] == "delivered"


# Callbacks: early, out of order, repeated, late, never.


async def test_callbacks_that_all_come_before_the_answer_are_kept(stage, twilio):
    held = Held()
    twilio.then(held)
    caller = await stage.submit()

    deliveries = [await stage.report(SID, status) for status in ("sent", "delivered")]
    held.let_go(created())
    await stage.settle()

    assert deliveries == [Delivery.KEPT, Delivery.KEPT]
    assert (await outcome(stage, caller))[2]["status"] == "delivered"
    assert await stage.workspace.undelivered() == []


async def test_delivered_before_sent_stays_delivered(stage, twilio):
    twilio.then(created())
    caller = await stage.submit()

    deliveries = [await stage.report(SID, status) for status in ("delivered", "sent")]

    assert deliveries == [Delivery.TAKEN, Delivery.LATE]
    assert (await outcome(stage, caller))[2]["status"] == "delivered"


async def test_a_status_that_was_overtaken_does_not_come_back(stage, twilio):
    twilio.then(created())
    await stage.submit()

    deliveries = [await stage.report(SID, status) for status in ("sent", "queued")]

    assert deliveries == [Delivery.TAKEN, Delivery.OVERTAKEN]
    assert (await stage.task("getting-callback", SID)).data["MessageStatus"] == "sent"


async def test_of_two_final_statuses_the_first_counts(stage, twilio):
    held = Held()
    twilio.then(held)
    caller = await stage.submit()
    for status in ("failed", "delivered", "read"):
        await stage.report(SID, status)

    held.let_go(created())
    await stage.settle()

    assert (await outcome(stage, caller))[2]["status"] == "failed"


@pytest.mark.parametrize("is_early", [False, True])
async def test_every_callback_three_times_counts_once(stage, twilio, is_early):
    held = Held()
    twilio.then(held)
    caller = await stage.submit()
    if not is_early:
        held.let_go(created())
        await stage.settle()

    deliveries = [
        await stage.report(SID, status) for status in ("sent", "delivered") for _ in range(3)
    ]
    if is_early:
        held.let_go(created())
        await stage.settle()

    first = Delivery.KEPT if is_early else Delivery.TAKEN
    twice = [Delivery.DUPLICATE] * 2
    assert deliveries == [first, *twice, first, *twice]
    assert (await outcome(stage, caller))[2]["status"] == "delivered"
    assert await stage.workspace.undelivered() == []


async def test_a_callback_after_the_end_is_noted_with_its_task(stage, twilio):
    twilio.then(created())
    caller = await stage.submit()
    await stage.report(SID, "delivered")

    deliveries = [await stage.report(SID, "read") for _ in range(2)]

    assert deliveries == [Delivery.LATE, Delivery.DUPLICATE]
    assert (await outcome(stage, caller))[2]["status"] == "delivered"
    listener = await stage.task("getting-callback", SID)
    history = await stage.workspace.history(listener)
    assert [step.by for step in history][-1] == "late"


async def test_without_a_callback_twilio_is_asked_after_an_hour(stage, twilio):
    twilio.then(created(), fetched("undelivered", error_code=30003))
    caller = await stage.submit()

    await stage.advance(HOUR - 1)
    assert twilio.asked == []
    await stage.advance(1)

    reply = {"status": "undelivered", "sid": SID, "error_code": "30003"}
    assert await outcome(stage, caller) == ("replied", "Sent", reply)
    assert twilio.asked[0].endswith(f"/Messages/{SID}.json")


async def test_a_status_that_stays_unknown_is_told_with_the_last_one(stage, twilio):
    twilio.then(created(), *[fetched("sent")] * 10)
    caller = await stage.submit()

    await stage.advance(10 * HOUR)

    assert await outcome(stage, caller) == (
        "exception",
        "Exit. Status is unknown",
        {
            "code": "status_unknown",
            "message": "Twilio did not report a final status",
            "sid": SID,
            "status": "sent",
        },
    )
    assert len(twilio.asked) == 10


async def test_a_callback_after_two_hours_is_waited_for(stage, twilio):
    twilio.then(created(), fetched("sent"), fetched("sent"))
    caller = await stage.submit()

    await stage.advance(2 * HOUR)
    await stage.report(SID, "delivered")

    assert (await outcome(stage, caller))[2]["status"] == "delivered"


@pytest.mark.parametrize("failed", [page(502), refused(20404, 404), UNREACHABLE, TIMED_OUT])
async def test_a_question_that_fails_is_asked_again_and_says_nothing(stage, twilio, failed):
    twilio.then(created(), failed, fetched("delivered"))
    caller = await stage.submit()

    await stage.advance(HOUR)
    assert (await stage.sender(caller)).data["status"] == "queued"
    await stage.advance(HOUR)

    assert (await outcome(stage, caller))[2]["status"] == "delivered"


async def test_a_callback_that_came_while_twilio_was_asked_counts(stage, twilio):
    held = Held()
    twilio.then(created(), held)
    caller = await stage.submit()
    await stage.advance(HOUR)
    await stage.report(SID, "delivered")

    held.let_go(fetched("read"))
    await stage.settle()

    assert (await outcome(stage, caller))[2]["status"] == "delivered"
    assert await stage.workspace.undelivered() == []


async def test_a_callback_after_the_answer_to_the_question_finds_nobody_to_tell(stage, twilio):
    twilio.then(created(), fetched("delivered"))
    caller = await stage.submit()
    await stage.advance(HOUR)

    await stage.report(SID, "failed")

    assert (await outcome(stage, caller))[2]["status"] == "delivered"
    listener = await stage.task("getting-callback", SID)
    assert stage.title(listener) == "Nobody to tell any more"


async def test_a_late_callback_is_not_told_to_the_next_task_with_the_same_ref(stage, twilio):
    data = {
        "AccountSid": "AC0", "AuthToken": TOKEN, "body": "Hello",
        "number_from": "+15005550006", "number_to": "+15551234567",
    }  # fmt: skip
    twilio.then(created(), fetched("delivered"), created(OTHER))
    await stage.workspace.submit("sending-sms", data, "order-1")
    await stage.advance(HOUR)
    await stage.workspace.submit("sending-sms", data, "order-1")
    await stage.settle()

    await stage.report(SID, "failed")

    second = await stage.task("sending-sms", "order-1")
    assert (second.node, second.data["status"]) == ("waiting", "queued")


async def test_what_nobody_takes_becomes_visible_after_a_day(stage):
    assert await stage.report(SID, "delivered") is Delivery.KEPT

    await stage.advance(DAY)
    await stage.expire()

    (left,) = await stage.workspace.undelivered()
    assert (left.ref, left.reason) == (SID, "nobody took it while it was kept")


async def test_a_listener_that_hears_nothing_ends(stage, twilio):
    twilio.then(created(), fetched("delivered"))
    await stage.submit()

    await stage.advance(12 * HOUR)

    listener = await stage.task("getting-callback", SID)
    assert stage.title(listener) == "No final status came"


# What is sent, and what is never shown.


@pytest.mark.parametrize(
    "text", ["Привіт, світ! 👋", "a+b=c&d=e %20", "007", "+15551234567", "1e5", "  ", "{{ body }}"]
)
async def test_text_and_numbers_go_out_as_they_came(stage, twilio, text):
    twilio.then(created())

    await stage.submit(text)

    form = form_of(twilio.sent[0])
    assert (form["Body"], form["To"], form["From"]) == (text, "+15551234567", "+15005550006")


async def test_a_text_that_is_too_long_is_refused_before_anything_is_sent(stage, twilio):
    caller = await stage.submit("x" * 1601)

    assert (await stage.task("caller", caller)).node == "exception"
    assert twilio.calls == []


async def test_an_empty_text_is_left_to_twilio_to_refuse(stage, twilio):
    twilio.then(refused(21602))

    caller = await stage.submit("")

    assert (await outcome(stage, caller))[2]["code"] == 21602


async def test_the_token_is_sent_as_a_header_and_shown_nowhere(stage, twilio, caplog):
    echo = page(500, f"who is {TOKEN}?")
    twilio.then(echo, echo, listed(), listed(), listed(), refused(20003, 401, "Authenticate"))
    caller = await stage.submit()
    await stage.advance(60)

    asked, sent = await stage.ended(caller)

    history = await stage.workspace.history(sent)
    shown = [
        stage.workspace.view(sent),
        history_view(history, sent),
        [call.url for call in twilio.calls],
        caplog.text,
        [error for step in history for error in step.error or ()],
    ]
    assert TOKEN not in repr(shown)
    assert stage.workspace.view(sent)["data"]["AuthToken"] == "***"
    assert {login_of(call) for call in twilio.calls} == {
        f"AC00112233445566778899aabbccddeeff:{TOKEN}"
    }
    assert TOKEN not in repr(asked.data)
