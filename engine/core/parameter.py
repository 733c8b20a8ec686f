"""What a process expects of its tasks' data, and what is wrong with data that does not fit."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from engine.core.value import as_text
from engine.errors import PatternTooCostly


class ParameterType(StrEnum):
    """The JSON types a parameter may have."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


class Pattern(Protocol):
    """A compiled regular expression."""

    def search(self, text: str) -> object: ...


PythonTypes = tuple[type, ...]
_PYTHON_TYPES: dict[ParameterType, PythonTypes] = {
    ParameterType.STRING: (str,),
    ParameterType.NUMBER: (int, float),
    ParameterType.BOOLEAN: (bool,),
    ParameterType.OBJECT: (dict,),
    ParameterType.ARRAY: (list, tuple),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter. `default` is None when there is none."""

    name: str
    type: ParameterType = ParameterType.STRING
    required: bool = False
    default: Any = None
    regex: Pattern | None = None
    regex_error: str = ""
    max_length: int | None = None
    min_length: int | None = None
    secret: bool = False
    output: bool = False
    auto_clear: bool = False
    description: str = ""
    plain: PythonTypes = field(init=False)
    """The Python types whose values are right whatever they are: most parameters ask no more."""

    def __post_init__(self) -> None:
        is_bounded = any(
            each is not None for each in (self.regex, self.max_length, self.min_length)
        )
        object.__setattr__(self, "plain", () if is_bounded else _PYTHON_TYPES[self.type])


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """One thing that is wrong with one parameter. The value is never quoted: it may be secret."""

    parameter: str
    message: str

    def __str__(self) -> str:
        return f"Param: {self.parameter}, Error: {self.message}"


def check_data(
    parameters: Mapping[str, Parameter],
    data: Mapping[str, Any],
    inherited: Mapping[str, Any] = {},
) -> list[ParameterFault]:
    """Finds every fault of a new task's data. A process that declares nothing takes anything.

    System parameters (`__name__`) and what was inherited from another task need no declaration.
    """
    if not parameters:
        return []
    faults = []
    if not data.keys() <= parameters.keys():
        faults = [
            ParameterFault(name, _unknown(name, parameters))
            for name in data
            if name not in parameters and name not in inherited and not name.startswith("__")
        ]
    for name, parameter in parameters.items():
        value = data.get(name)
        if value is not None:
            if type(value) not in parameter.plain:
                faults.extend(ParameterFault(name, text) for text in _faults_of(parameter, value))
        elif parameter.required and parameter.default is None:
            faults.append(ParameterFault(name, "is required and missing"))
    return faults


def with_defaults(parameters: Mapping[str, Parameter], data: dict[str, Any]) -> dict[str, Any]:
    """Adds the defaults of parameters that are missing or null."""
    for name, parameter in parameters.items():
        if parameter.default is not None and data.get(name) is None:
            data[name] = parameter.default
    return data


def _unknown(name: str, parameters: Mapping[str, Parameter]) -> str:
    near = difflib.get_close_matches(name, parameters, 1)
    return "is not a parameter of this process" + (f"; did you mean '{near[0]}'?" if near else "")


def _faults_of(parameter: Parameter, value: Any) -> list[str]:
    wanted = _PYTHON_TYPES[parameter.type]
    is_boolean = isinstance(value, bool)
    if not isinstance(value, wanted) or is_boolean != (parameter.type is ParameterType.BOOLEAN):
        return [f"must be of type {parameter.type}, is {_type_name(value)}"]
    faults = []
    if isinstance(value, str | list | dict):
        if parameter.max_length is not None and len(value) > parameter.max_length:
            faults.append(f"is longer than {parameter.max_length}")
        if parameter.min_length is not None and len(value) < parameter.min_length:
            faults.append(f"is shorter than {parameter.min_length}")
    if parameter.regex is not None:
        faults.extend(_faults_of_pattern(parameter, parameter.regex, value))
    return faults


def _faults_of_pattern(parameter: Parameter, regex: Pattern, value: Any) -> list[str]:
    """Searches for the pattern in the value as text: a number has a pattern too."""
    try:
        if regex.search(as_text(value)):
            return []
    except PatternTooCostly as error:
        return [f"can't be checked: {error}"]
    return [parameter.regex_error or "does not match the pattern of this parameter"]


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for name, types in _PYTHON_TYPES.items():
        if isinstance(value, types):
            return str(name)
    return "null"
