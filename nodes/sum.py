"""Sum: adds to counters that the node keeps, all of them or none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from engine.node import (
    AddToSums,
    Answer,
    Ask,
    ErrorKind,
    Fail,
    Go,
    NodeType,
    Outcome,
    Template,
    Visit,
    as_text,
    billionths,
)

LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a sum node."""

    sums: Annotated[
        Mapping[str, Template], "What is added: the name of a sum to a number, also a negative one."
    ]


class Sum(NodeType[Settings]):
    """Adds in the same transaction in which the task goes on; its data stays as it is."""

    type = "sum"
    title = "Sum"
    prefixes = ("api_sum",)

    def enter(self, settings: Settings, visit: Visit) -> Outcome:
        amounts = {}
        for name, template in settings.sums.items():
            value = template.render(visit)
            try:
                amounts[name] = billionths(value)
            except ValueError:
                shown = as_text(value)[:LONGEST_SHOWN]
                return Fail(
                    ErrorKind.SOFTWARE,
                    "api_sum_wrong_convert_param",
                    f"Param: {name}, Value: {shown}, Try convert to: number",
                )
        return Ask(AddToSums(amounts))

    def resume(self, settings: Settings, visit: Visit, answer: Answer) -> Outcome:  # noqa: ARG002
        return Go()

    def writes(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002
        return frozenset()

    def sums(self, settings: Settings) -> Iterable[str]:
        return settings.sums

    def problems(self, settings: Settings) -> Iterator[tuple[str, str]]:
        if not settings.sums:
            yield "sums", "the node adds nothing: list sums as 'name: number'"
