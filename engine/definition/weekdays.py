"""Days of the week in a cron line, by name: APScheduler counts from Monday, cron from Sunday."""

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
WEEK = len(DAYS)
FIELDS = 5


def with_named_days(cron: str) -> str:
    """Replaces the numbers in the fifth field; what is no day is left for others to refuse."""
    fields = cron.split()
    if len(fields) == FIELDS:
        fields[-1] = _named(fields[-1])
    return " ".join(fields)


def _named(field: str) -> str:
    days: set[int] = set()
    for part in field.lower().split(","):
        found = _days(part)
        if found is None:
            return field
        days.update(day % WEEK for day in found)
    return "*" if len(days) == WEEK else ",".join(DAYS[day] for day in sorted(days))


def _days(part: str) -> range | None:
    """Gives the days of `1`, `1-5`, `*/2` or `fri-mon`; both 0 and 7 are Sunday."""
    span, slash, step = part.partition("/")
    if slash and not (step.isdecimal() and int(step)):
        return None
    every = int(step) if slash else 1
    if span == "*":
        return range(0, WEEK, every)
    name, dash, name_of_last = span.partition("-")
    first, last = _day(name), _day(name_of_last if dash else name)
    if first is None or last is None:
        return None
    if slash and not dash:
        last = WEEK - 1
    if last < first:
        last += WEEK
    return range(first, last + 1, every)


def _day(text: str) -> int | None:
    if text in DAYS:
        return DAYS.index(text)
    return int(text) if text.isdecimal() and int(text) <= WEEK else None
