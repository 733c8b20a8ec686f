"""How wide a text will be, guessed from a table: no font is at hand when a picture is laid out.

The widths lie above those of the usual sans-serif fonts, so that a text fits its box in each.
"""

from unicodedata import combining, east_asian_width

# Parts of the font size, for the letters that are far from the average.
_WIDTHS = (
    ("ijlI.,:;'|!`", 0.33),
    ('frt()[]{}/\\ -"*', 0.42),
    ("mwMW@%&—…", 0.95),
    ("ABCDEFGHKLNOPQRSTUVXYZ#=+<>~_", 0.7),
)
_WIDTH = {letter: width for letters, width in _WIDTHS for letter in letters}
_AVERAGE = 0.59
_WIDE = 1.1
_BOLD = 1.06


def measure(text: str, size: float, *, bold: bool = False) -> float:
    """Guesses the width of one line of text, a little more than it will be."""
    width = sum(map(_measure_letter, text))
    return round(width * size * (_BOLD if bold else 1), 1)


def _measure_letter(letter: str) -> float:
    if letter in _WIDTH:
        return _WIDTH[letter]
    if letter.isascii():
        return _AVERAGE
    if combining(letter):
        return 0
    if east_asian_width(letter) in "WF":
        return _WIDE
    # Other scripts have more wide letters than Latin.
    return 0.72


def elide(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Shortens a line until it fits, with an ellipsis for what is left out."""
    if measure(text, size, bold=bold) <= width:
        return text
    kept = text
    while kept and measure(kept + "…", size, bold=bold) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def wrap(
    text: str, width: float, size: float, *, most: int = 2, bold: bool = False
) -> tuple[str, ...]:
    """Breaks a text into at most `most` lines that fit, the last one elided."""
    words = text.split()
    lines: list[str] = []
    while words and len(lines) < most - 1:
        line = words.pop(0)
        if measure(line, size, bold=bold) > width:
            # A word wider than the line: broken where the line ends.
            fits = len(line) - 1
            while fits > 1 and measure(line[:fits], size, bold=bold) > width:
                fits -= 1
            words.insert(0, line[fits:])
            line = line[:fits]
        else:
            while words and measure(f"{line} {words[0]}", size, bold=bold) <= width:
                line += f" {words.pop(0)}"
        lines.append(line)
    rest = elide(" ".join(words), width, size, bold=bold)
    return tuple([*lines, rest] if rest else lines)
