"""Twilio's signature, compared with the vendor's own check."""

import base64
import hashlib
import random
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from engine.web.callbacks.signature import is_signed

TOKEN = "0123456789abcdef0123456789abcdef"
SID = "SM00112233445566778899aabbccddeeff"
URL = (
    "https://engine.example/api/1/json/plugins/twilio/1002/596dbf0382ba960b179744c7/"
    "0392756abc8539ae59c33d3b1e188f2aaab69aae"
)
PAIRS = [
    ("SmsSid", SID),
    ("SmsStatus", "delivered"),
    ("MessageStatus", "delivered"),
    ("To", "+380501234567"),
    ("MessageSid", SID),
    ("AccountSid", "AC00112233445566778899aabbccddeeff"),
    ("From", "+15005550006"),
    ("ApiVersion", "2010-04-01"),
]
SIGNATURE = "C2ppiImzNgtYC3oyoZfKdHWsnG4="


class Fields(dict):
    """A form as web frameworks give it to the vendor's check: several values a name."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self._pairs = pairs

    def getlist(self, name):
        return [value for given, value in self._pairs if given == name]


def test_the_vendors_published_sample_is_signed():
    pairs = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert is_signed(url, pairs, None, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "12345")


def test_a_status_callback_is_signed():
    assert is_signed(URL, PAIRS, None, SIGNATURE, TOKEN)


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        URL.replace("engine", "other"),
        URL + "/",
        URL + "?x=1",
    ],
)
def test_the_signature_of_another_url_is_wrong(url):
    assert not is_signed(url, PAIRS, None, SIGNATURE, TOKEN)


@pytest.mark.parametrize("port", ["443", "8443"])
def test_a_port_may_be_signed_or_left_out(port):
    with_port = URL.replace("example/", f"example:{port}/")
    signed_with_port = RequestValidator(TOKEN).compute_signature(with_port, dict(PAIRS))

    assert is_signed(with_port, PAIRS, None, SIGNATURE, TOKEN)
    assert is_signed(with_port, PAIRS, None, signed_with_port, TOKEN)


def test_a_default_port_may_be_signed_though_it_is_not_written():
    with_port = URL.replace("example/", "example:443/")
    signature = RequestValidator(TOKEN).compute_signature(with_port, dict(PAIRS))

    assert is_signed(URL, PAIRS, None, signature, TOKEN)


def test_a_body_that_is_no_form_is_signed_by_its_hash_in_the_query():
    body = b'{"MessageSid": "SM1"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})

    assert is_signed(url, [], body, signature, TOKEN)
    assert not is_signed(url, [], body + b" ", signature, TOKEN)


@pytest.mark.parametrize("query", ["", "?bodySHA256=", "?bodySHA256=%C3%A9", "?x=1"])
def test_a_body_that_is_no_form_without_its_hash_is_not_signed(query):
    signature = RequestValidator(TOKEN).compute_signature(URL + query, {})

    assert not is_signed(URL + query, [], b"{}", signature, TOKEN)


@pytest.mark.parametrize(
    "signature", ["", " ", "é", SIGNATURE[:-1], SIGNATURE.lower(), "=" * 10_000]
)
def test_what_is_no_signature_is_wrong(signature):
    assert not is_signed(URL, PAIRS, None, signature, TOKEN)


hosts = st.sampled_from(["engine.example", "127.0.0.1", "a-b.example"])
ports = st.sampled_from(["", ":443", ":80", ":8080"])
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
pairs_of = st.lists(st.tuples(names | st.sampled_from(["a", "A", "ab"]), names), max_size=8)
queries = st.lists(st.tuples(names, names), max_size=3).map(urlencode)


@given(st.sampled_from(["http", "https"]), hosts, ports, queries, pairs_of, pairs_of, names)
def test_our_check_agrees_with_the_vendors(scheme, host, port, query, pairs, others, token):
    url = f"{scheme}://{host}{port}/api/1/json/plugins/twilio/1/a/b" + (
        f"?{query}" if query else ""
    )
    vendor = RequestValidator(token)
    for signed in (pairs, others):
        signature = vendor.compute_signature(url, Fields(signed))

        expected = vendor.validate(url, Fields(pairs), signature)
        assert is_signed(url, pairs, None, signature, token) is expected


@given(hosts, ports, st.binary(max_size=40), st.binary(max_size=40))
def test_our_check_of_other_bodies_agrees_with_the_vendors(host, port, body, other):
    url = f"https://{host}{port}/x?bodySHA256={hashlib.sha256(other).hexdigest()}"
    vendor = RequestValidator(TOKEN)
    signature = vendor.compute_signature(url, {})

    # The vendor's check takes text, and reads bytes that are not UTF-8 as nothing.
    assert is_signed(url, [], body, signature, TOKEN) is (body == other)
    assert vendor.validate(url, other.decode("latin-1"), signature) is (
        hashlib.sha256(other.decode("latin-1").encode()).digest() == hashlib.sha256(other).digest()
    )


def test_of_a_thousand_mutated_requests_none_is_accepted():
    chance = random.Random(7)
    accepted = [
        mutation
        for mutation in (mutated(chance) for _ in range(1000))
        if is_signed(mutation[0], mutation[1], None, mutation[2], mutation[3])
    ]

    assert accepted == []


def mutated(chance):
    """Changes one thing about a signed request."""
    url, pairs, signature, token = URL, list(PAIRS), SIGNATURE, TOKEN
    at = chance.randrange(len(pairs))
    name, value = pairs[at]
    match chance.randrange(7):
        case 0:
            url = changed(chance, url)
        case 1:
            pairs[at] = (name, changed(chance, value))
        case 2:
            pairs[at] = (changed(chance, name), value)
        case 3:
            del pairs[at]
        case 4:
            pairs.append((name, value + chance.choice("0aé ")))
        case 5:
            raw = bytearray(base64.b64decode(signature))
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            signature = base64.b64encode(raw).decode()
        case _:
            token = changed(chance, token)
    return url, pairs, signature, token


def changed(chance, text):
    """Changes one character of a text, after a URL's scheme and host's end."""
    at = (
        chance.randrange(len(text) - 30, len(text))
        if len(text) > 60
        else chance.randrange(len(text))
    )
    other = chance.choice([each for each in "0123456789abcdefXYZ" if each != text[at]])
    return text[:at] + other + text[at + 1 :]
