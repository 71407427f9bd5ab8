"""Options of a job type: typed and bounded values, checked and turned into command arguments.

No shell reads a value. An argument that starts with a value never starts with "-", so that no value can pass as an
option of the command: a text that starts with "-" is refused, whatever its pattern, and so is the declaration of a
negative number at the start of an argument.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from domain.linear_regex import compiled
from domain.text import quoted

VALUE = "{value}"
"""Where an option's value goes in its arguments."""

MAX_TEXT = 1000
"""Most characters of any text option."""


NUMBER = re.compile(r"-?[0-9]{1,18}")
FLAGS = {"true": True, "false": False}


class BadOptions(ValueError):
    """A request's options do not fit its job type. The message names each one and what is allowed."""


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    description: str = ""
    args: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]

    @field_validator("args")
    @classmethod
    def _no_nul(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        if any("\0" in arg for arg in args):
            raise ValueError("an argument cannot contain NUL")
        return args

    def typed(self, value: object) -> object:
        """*value* with the type of this option if it is written as a text; else unchanged, which `problem` reports."""
        return value


class _Valued(_Declared):
    required: bool = False

    @field_validator("args")
    @classmethod
    def _value_is_used(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        if not any(VALUE in arg for arg in args):
            raise ValueError(f'one argument must contain "{VALUE}", where the value goes')
        return args

    @field_validator("default", check_fields=False)
    @classmethod
    def _default_has_a_use(cls, default: object, info: ValidationInfo) -> object:
        if default is not None and info.data.get("required"):
            raise ValueError("a required option is always given: its default would have no use")
        return default

    def arguments(self, value: object) -> tuple[str, ...]:
        """The arguments for *value*, which has been checked."""
        return tuple(arg.replace(VALUE, str(value)) for arg in self.args)


class StringOption(_Valued):
    """A text that matches `pattern` as a whole, or is one of `choices`, or both; at most `max_length` characters."""

    type: Literal["string"]
    pattern: str | None = None
    choices: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] | None = None
    max_length: Annotated[int, Field(ge=1, le=MAX_TEXT)] = 200
    default: str | None = None

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        compiled(pattern or "")
        return pattern

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.pattern is None and self.choices is None:
            raise ValueError("a string needs a pattern or choices")
        for value in (*(self.choices or ()), *(() if self.default is None else (self.default,))):
            if problem := self.problem(value):
                raise ValueError(f"{value!r} could never be given: {problem}")
        return self

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        return " or ".join(self.choices) if self.choices else f"matches {self.pattern}"

    def problem(self, value: object) -> str | None:
        """Why *value* is refused; None: it is accepted."""
        if not isinstance(value, str):
            return "must be a string"
        if len(value) > self.max_length:
            return f"must have at most {self.max_length} characters"
        return next((wanted for wanted, holds in self._rules(value) if not holds), None)

    def _rules(self, value: str) -> Iterator[tuple[str, bool]]:
        yield 'must not start with "-"', not value.startswith("-")
        yield "must not contain control characters or line breaks", value.isprintable()
        yield f"must be one of {', '.join(self.choices or ())}", self.choices is None or value in self.choices
        yield f"must match {self.pattern}", self.pattern is None or compiled(self.pattern).fullmatch(value) is not None


class IntegerOption(_Valued):
    """A whole number from `minimum` to `maximum`, both allowed."""

    type: Literal["integer"]
    minimum: int
    maximum: int
    default: int | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("minimum is greater than maximum")
        if self.minimum < 0 and any(arg.startswith(VALUE) for arg in self.args):
            raise ValueError(f'a negative number would pose as an option: write "--name={VALUE}" as one argument')
        if self.default is not None and (problem := self.problem(self.default)):
            raise ValueError(f"default: {problem}")
        return self

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        return f"{self.minimum} to {self.maximum}"

    def typed(self, value: object) -> object:
        """A number, also where a command line or one of Prefect's automations gives a text."""
        return int(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value

    def problem(self, value: object) -> str | None:
        """Why *value* is refused; None: it is accepted."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.minimum <= value <= self.maximum:
            return f"must be a whole number from {self.minimum} to {self.maximum}"
        return None


class FlagOption(_Declared):
    """True or false: the arguments are given or not."""

    required: ClassVar[bool] = False
    type: Literal["flag"]
    default: bool = False

    @field_validator("args")
    @classmethod
    def _has_no_value(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        if any(VALUE in arg for arg in args):
            raise ValueError(f'a flag has no value: "{VALUE}" means nothing in its arguments')
        return args

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        return "true or false"

    def typed(self, value: object) -> object:
        """True or false, also where a command line or one of Prefect's automations gives a text."""
        return FLAGS.get(value.lower(), value) if isinstance(value, str) else value

    def problem(self, value: object) -> str | None:
        """Why *value* is refused; None: it is accepted."""
        return None if isinstance(value, bool) else "must be true or false"

    def arguments(self, value: object) -> tuple[str, ...]:
        """The arguments for *value*, which has been checked."""
        return self.args if value else ()


Option: TypeAlias = Annotated[StringOption | IntegerOption | FlagOption, Field(discriminator="type")]


def check_options(declared: Mapping[str, Option], given: Mapping[str, object]) -> None:
    """Check that all options are declared, of the right type and within bounds, and that required ones are given.

    Raises:
        BadOptions: names every option that does not fit, and what is allowed.
    """
    names = ", ".join(declared) or "none"
    problems = [
        f"{name[:60]!r} is no option of this job (its options: {names})" for name in given if name not in declared
    ]
    for name, option in declared.items():
        if name not in given:
            problems += [f"{name} must be given: {option.allowed}"] if option.required else []
        elif problem := option.problem(option.typed(given[name])):
            problems.append(f"{name} {problem}, not {quoted(given[name])}")
    if problems:
        raise BadOptions("; ".join(problems))


def completed(declared: Mapping[str, Option], given: Mapping[str, object]) -> dict[str, object]:
    """The options of a request in the order of declaration, as their types have them, with the defaults of others.

    Raises:
        BadOptions: see `check_options`.
    """
    check_options(declared, given)
    values = {name: option.typed(given.get(name, option.default)) for name, option in declared.items()}
    return {name: value for name, value in values.items() if value is not None}


def arguments(declared: Mapping[str, Option], given: Mapping[str, object]) -> tuple[str, ...]:
    """The arguments to append to the command, in the order of declaration; with defaults of options not given.

    Raises:
        BadOptions: see `check_options`.
    """
    chosen = completed(declared, given)
    return tuple(argument for name, value in chosen.items() for argument in declared[name].arguments(value))
