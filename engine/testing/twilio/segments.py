"""How many SMS a text takes (GSM 03.38; 3GPP TS 23.038 and 23.040)."""

import re

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these takes two places: an escape and a character.
_EXTENDED = "^{}\\[~]|€\f"
_IS_BASIC = re.compile(f"[{re.escape(_BASIC)}]*")
_IS_GSM = re.compile(f"[{re.escape(_BASIC + _EXTENDED)}]*")

# The first number is for a text of one segment; several segments carry a header each.
_GSM_ALONE, _GSM_PART = 160, 153
_UCS2_ALONE, _UCS2_PART = 70, 67
_LAST_IN_ONE_UNIT = "\uffff"


def count_segments(text: str) -> int:
    """Gives the number of segments; an empty text takes one."""
    if len(text) <= _GSM_ALONE and _IS_BASIC.fullmatch(text):
        return 1
    if _IS_GSM.fullmatch(text):
        return _fill([2 if char in _EXTENDED else 1 for char in text], _GSM_ALONE, _GSM_PART)
    return _fill([2 if char > _LAST_IN_ONE_UNIT else 1 for char in text], _UCS2_ALONE, _UCS2_PART)


def _fill(sizes: list[int], alone: int, part: int) -> int:
    """Counts the segments, none of which ends inside a character."""
    if sum(sizes) <= alone:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > part:
            segments, used = segments + 1, 0
        used += size
    return segments
