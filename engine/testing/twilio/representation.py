"""Messages and errors as Twilio writes them: JSON, or XML for a path without `.json`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from engine.testing.twilio.errors import DELIVERY_FAULTS, MORE_INFO, Refusal
from engine.testing.twilio.messages import Message

API_VERSION = "2010-04-01"
JSON_TYPE = b"application/json"
XML_TYPE = b"application/xml"

Facts = Mapping[str, Any]

# Nothing here can hold itself, and not to look for that halves the time.
_encode = json.JSONEncoder(check_circular=False).encode


def describe(message: Message) -> Facts:
    """Gives the Message resource."""
    uri = f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}"
    error_code = message.error_code
    return {
        "account_sid": message.account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": rfc2822(int(message.created)),
        "date_sent": None if message.sent is None else rfc2822(int(message.sent)),
        "date_updated": rfc2822(int(message.updated)),
        "direction": "outbound-api",
        "error_code": error_code,
        "error_message": None if error_code is None else DELIVERY_FAULTS[error_code],
        "from": message.sender,
        "messaging_service_sid": message.service_sid,
        "num_media": str(message.media_count),
        "num_segments": str(message.segments),
        "price": message.price,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


@lru_cache(maxsize=4096)
def rfc2822(seconds: int) -> str:
    """Gives a Unix time as `Thu, 24 Aug 2023 05:01:45 +0000`."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def write_json(facts: Facts) -> bytes:
    """Gives the facts as JSON in ASCII."""
    return _encode(facts).encode("ascii")


def write_xml(name: str, facts: Facts) -> bytes:
    """Gives the facts as Twilio's XML: an element for each, named in camel case."""
    text = f"<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse>{_element(name, facts)}"
    return f"{text}</TwilioResponse>".encode("utf-8", "replace")


def _element(name: str, value: Any) -> str:
    if value is None:
        return f"<{name}/>"
    if isinstance(value, Mapping):
        inner = "".join(_element(_camel_case(key), item) for key, item in value.items())
    elif isinstance(value, list):
        inner = "".join(_element("Message", item) for item in value)
    else:
        inner = escape(_printable(str(value)))
    return f"<{name}>{inner}</{name}>"


def _camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _printable(text: str) -> str:
    """Leaves out what XML 1.0 can't hold in any form."""
    return "".join(char for char in text if char >= " " or char in "\t\n\r")


def write_refusal(refusal: Refusal, *, is_json: bool) -> bytes:
    """Gives the body of an error answer."""
    facts = {
        "code": refusal.code,
        "message": refusal.text,
        "more_info": f"{MORE_INFO}{refusal.code}",
        "status": refusal.http_status,
    }
    return write_json(facts) if is_json else write_xml("RestException", facts)
