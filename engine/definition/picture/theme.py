"""Colours and icons: one family of node types, one colour."""

from dataclasses import dataclass
from enum import StrEnum

from engine.definition.picture.drawing import LineKind, Shape


class Family(StrEnum):
    """What a node type is about."""

    CALL = "call"
    CHOICE = "choice"
    DATA = "data"
    WAIT = "wait"
    TASK = "task"
    START = "start"
    END = "end"
    SUCCESS = "success"
    ERROR = "error"
    OTHER = "other"


FAMILIES = {
    "api_call": Family.CALL,
    "db_call": Family.CALL,
    "git_call": Family.CALL,
    "code": Family.CALL,
    "condition": Family.CHOICE,
    "set_state": Family.CHOICE,
    "set_parameter": Family.DATA,
    "sum": Family.DATA,
    "delay": Family.WAIT,
    "waiting_for_callback": Family.WAIT,
    "queue": Family.WAIT,
    "get_from_queue": Family.WAIT,
    "copy_task": Family.TASK,
    "modify_task": Family.TASK,
    "call_process": Family.TASK,
    "reply_to_process": Family.TASK,
    "start": Family.START,
    "end": Family.END,
}


@dataclass(frozen=True, slots=True)
class Colours:
    """The strong colour of a family (icon) and the pale one (its ground)."""

    ink: str
    ground: str


COLOURS = {
    Family.CALL: Colours("#3b5bdb", "#e7ecff"),
    Family.CHOICE: Colours("#7a4fd0", "#f0e9ff"),
    Family.DATA: Colours("#0b7285", "#dff5f8"),
    Family.WAIT: Colours("#c2620c", "#ffeedd"),
    Family.TASK: Colours("#a8327e", "#fce8f5"),
    Family.START: Colours("#1a7f37", "#dff6e5"),
    Family.END: Colours("#57606a", "#eef1f4"),
    Family.SUCCESS: Colours("#1a7f37", "#dff6e5"),
    Family.ERROR: Colours("#c0262d", "#ffe9e7"),
    Family.OTHER: Colours("#57606a", "#eef1f4"),
}

PAPER, FRAME, PANEL = "#f3f5f8", "#d5dbe2", "#ffffff"
INK, FAINT_INK, CARD, CARD_EDGE = "#1f2933", "#66717d", "#ffffff", "#c6ced7"
ASIDE, ASIDE_EDGE, ASIDE_INK = "#fff7dc", "#e2c15c", "#57460f"

STROKES = {
    LineKind.NEXT: "#5b6875",
    LineKind.CASE: "#5b6875",
    LineKind.ELSE: "#5b6875",
    LineKind.LIMIT: "#a8327e",
    LineKind.TIMEOUT: "#b7791f",
    LineKind.ERROR: "#d1495b",
    LineKind.MESSAGE: "#7a4fd0",
}
DASHES = {
    LineKind.TIMEOUT: "6 4",
    LineKind.LIMIT: "2 4",
    LineKind.MESSAGE: "7 5",
}

# Drawn with a pen of two units on a ground of 24 by 24.
ICONS = {
    "start": "M8 5l11 7-11 7z",
    "success": "M5 12.5l4.5 4.5L19 7.5",
    "error": "M6.5 6.5l11 11M17.5 6.5l-11 11",
    "end": "M7 7h10v10H7z",
    "api_call": "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM3 12h18M12 3c4.5 4 4.5 14 0 18"
    "M12 3c-4.5 4-4.5 14 0 18",
    "condition": "M12 3v6l-6 6v6M12 9l6 6v6M3.5 18.5L6 21l2.5-2.5M15.5 18.5L18 21l2.5-2.5",
    "set_parameter": "M3 8h9M18 8h3M15 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM3 16h3M12 16h9"
    "M9 13a3 3 0 1 0 0 6a3 3 0 0 0 0-6z",
    "code": "M8 7l-5 5l5 5M16 7l5 5l-5 5M13.5 5l-3 14",
    "delay": "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM12 7.5V12l3.5 2",
    "waiting_for_callback": "M6 3h12M6 21h12M8 3c0 5 4 6 4 9s-4 4-4 9M16 3c0 5-4 6-4 9s4 4 4 9",
    "queue": "M4 6h16M4 12h16M4 18h10",
    "get_from_queue": "M4 6h16M4 12h7M16 11v9M12 16.5l4 3.5l4-3.5",
    "copy_task": "M9 9h11v11H9zM5.5 15H4V4h11v1.5",
    "modify_task": "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5",
    "call_process": "M10 5h9v14h-9M3 12h11M10.5 8l4 4l-4 4",
    "reply_to_process": "M9 5l-6 6l6 6M3 11h11a6 6 0 0 1 6 6v2",
    "sum": "M18 7V4H6l7 8l-7 8h12v-3",
    "set_state": "M6 21V4h12l-3 4.5l3 4.5H6",
    "db_call": "M4 6a8 3 0 0 1 16 0a8 3 0 0 1-16 0v12a8 3 0 0 0 16 0V6M4 12a8 3 0 0 0 16 0",
    "git_call": "M7 9v6M7 4a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5zM7 15a2.5 2.5 0 1 0 0 5"
    "a2.5 2.5 0 0 0 0-5zM17 5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5z"
    "M17 10c0 4-6 3-8.5 6",
}
PLAIN_ICON = "M5 5h14v14H5z"


def family_of(shape: Shape) -> Family:
    """Tells the family of a node; an end's is its result."""
    family = FAMILIES.get(shape.type, Family.OTHER)
    if family is Family.END and shape.result:
        return Family.SUCCESS if shape.result == "success" else Family.ERROR
    return family


def icon_of(shape: Shape) -> str:
    """Tells the outline of a node's icon."""
    name = shape.result if shape.type == "end" and shape.result else shape.type
    return ICONS.get(name, PLAIN_ICON)
