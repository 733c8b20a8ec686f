"""The errors that Twilio documents, and how a request is refused with one.

Sources: Twilio's error dictionary; the HTTP statuses and texts are from general knowledge.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MORE_INFO = "https://www.twilio.com/docs/errors/"


@dataclass(frozen=True, slots=True)
class Fault:
    """What Twilio answers for an error: the HTTP status and the text, which may take a value."""

    http_status: int
    message: str


FAULTS: Mapping[int, Fault] = {
    20001: Fault(400, "The value of {} is not valid."),
    20003: Fault(401, "Authenticate"),
    20004: Fault(405, "The method {} is not allowed on this resource."),
    20404: Fault(404, "The requested resource {} was not found"),
    20429: Fault(429, "Too Many Requests"),
    20500: Fault(500, "Internal Server Error"),
    21211: Fault(400, "The 'To' number {} is not a valid phone number."),
    21212: Fault(400, "The 'From' number {} is not a valid phone number or sender."),
    21408: Fault(400, "Permission to send to the region of the 'To' number is not enabled: {}"),
    21602: Fault(400, "Message body is required."),
    21603: Fault(400, "A 'From' phone number or a 'MessagingServiceSid' is required."),
    21604: Fault(400, "A 'To' phone number is required."),
    21606: Fault(400, "The 'From' number {} is not an SMS-capable number of this account."),
    21609: Fault(400, "The 'StatusCallback' URL is not valid: {}"),
    21610: Fault(400, "Attempt to send to an unsubscribed recipient: {}"),
    21611: Fault(400, "The 'From' number {} has too many messages in its queue."),
    21612: Fault(400, "The message can't be sent with this combination of 'To' {} and 'From'."),
    21614: Fault(400, "The 'To' number {} is not a mobile number."),
    21617: Fault(400, "The concatenated message body exceeds the 1600 character limit."),
    21620: Fault(400, "Invalid media URL(s): {}"),
    21623: Fault(400, "The number of media files exceeds the limit of 10."),
    21624: Fault(400, "The validity period must be a whole number of seconds from 1 to 36000."),
    21701: Fault(400, "The Messaging Service {} does not exist."),
    30409: Fault(409, "This message cannot be canceled: its status is {}."),
    35111: Fault(400, "'SendAt' is required when 'ScheduleType' is 'fixed'."),
    35114: Fault(400, "'SendAt' must be a UTC time between 15 minutes and 35 days from now."),
    35118: Fault(400, "A 'MessagingServiceSid' is required to schedule a message."),
    35126: Fault(400, "The 'ScheduleType' {} is not supported: use 'fixed'."),
}

DELIVERY_FAULTS: Mapping[int, str] = {
    30003: "Unreachable destination handset",
    30008: "Unknown error",
}

TO_FAULTS: Mapping[str, int] = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}

FROM_FAULTS: Mapping[str, int] = {
    "+15005550001": 21212,
    "+15005550007": 21606,
    "+15005550008": 21611,
}


class Refusal(Exception):
    """Twilio answers the request with an error of the table."""

    def __init__(self, code: int, value: str = "") -> None:
        fault = FAULTS[code]
        self.code = code
        self.http_status = fault.http_status
        self.text = fault.message.format(value)
        super().__init__(f"{code}: {self.text}")
