"""Our signatures against Twilio's own checker and the two values of its documentation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from engine.testing.twilio.signature import sign

TOKEN = "0123456789abcdef0123456789abcdef"


class Repeated(dict):
    """A form with several values for a name, as web frameworks hand it to the checker."""

    def getlist(self, name):
        return self[name]


def test_the_sample_of_twilios_documentation_is_met():
    form = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]

    signature = sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)

    assert signature == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_a_status_callback_of_ours_is_signed_as_computed_by_hand():
    url = (
        "https://engine.example/api/1/json/plugins/twilio/1002/"
        "596dbf0382ba960b179744c7/0392756abc8539ae59c33d3b1e188f2aaab69aae"
    )
    form = {
        "SmsSid": "SM00112233445566778899aabbccddeeff",
        "MessageSid": "SM00112233445566778899aabbccddeeff",
        "SmsStatus": "delivered",
        "MessageStatus": "delivered",
        "To": "+380501234567",
        "From": "+15005550006",
        "AccountSid": "AC00112233445566778899aabbccddeeff",
        "ApiVersion": "2010-04-01",
    }

    signature = sign(TOKEN, url, form.items())

    assert signature == "C2ppiImzNgtYC3oyoZfKdHWsnG4="


@pytest.mark.parametrize(
    "url",
    [
        "https://engine.example/callback",
        "https://engine.example:8443/callback",
        "http://127.0.0.1:8080/callback",
        "https://engine.example/callback?a=1&b=two%20words&b=1",
        "https://engine.example/%D0%BF?%D1%8F=1",
    ],
)
def test_twilios_checker_takes_any_url(url):
    form = {"Body": "Привіт 👋", "Empty": "", "a": "1", "A": "2", "To": "+15550000000"}

    signature = sign(TOKEN, url, form.items())

    assert RequestValidator(TOKEN).validate(url, form, signature)


def test_several_values_of_a_name_are_sorted_and_counted_once():
    pairs = [("Media", "b"), ("Media", "a"), ("Media", "b"), ("Body", "x")]

    signature = sign(TOKEN, "https://engine.example/", pairs)

    grouped = Repeated(Media=["b", "a", "b"], Body=["x"])
    assert RequestValidator(TOKEN).validate("https://engine.example/", grouped, signature)


def test_another_token_gives_another_signature():
    form = [("MessageStatus", "sent")]

    signature = sign("another", "https://engine.example/", form)

    assert not RequestValidator(TOKEN).validate("https://engine.example/", dict(form), signature)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(TEXT, TEXT, max_size=8))
def test_twilios_checker_takes_any_form(form):
    signature = sign(TOKEN, "https://engine.example/c?x=1", form.items())

    assert RequestValidator(TOKEN).validate("https://engine.example/c?x=1", form, signature)
