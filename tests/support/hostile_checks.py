"""What is wrong with how an entry point handled a hostile input: its refusal, or what it took."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from hostile_input import Path, fields_of, in_json, json_with, strange
from pydantic import BaseModel

from domain.text import clean


@dataclass(frozen=True, slots=True)
class Door:
    """An entry point. `inputs`: field, class and text of each; `enter` returns what is wrong with its handling."""

    name: str
    inputs: Callable[[], Iterator[tuple[Path, str, str]]]
    enter: Callable[[Path, str], str | None]


def refused_well(words: str, path: Path, *general: str) -> str | None:
    """What is wrong with *words* as a refusal of the field at *path*; one of *general* may be named instead."""
    names = [str(part) for part in path if isinstance(part, str)]
    if not any(name in words for name in (*names[-2:], *general)):
        return f"names neither {names[-2:]} nor {general}: {words[:200]!r}"
    return (wrong := strange(words)) and f"its refusal {wrong}"


def shown_well(value: object) -> str | None:
    """What is wrong with a value whose texts are all shown to people."""
    return next((f"what it took {wrong}" for text in texts_in(value) if (wrong := strange(text))), None)


def storable(value: object) -> str | None:
    """What is wrong with a value whose texts go into a database or to another program."""
    return next((f"it took {text[:60]!r}" for text in texts_in(value) if clean(text) != text), None)


def texts_in(value: object) -> Iterator[str]:
    """Every text in *value*, at whatever depth."""
    match value:
        case str():
            yield value
        case Mapping():
            for key, inner in value.items():
                yield from texts_in(key)
                yield from texts_in(inner)
        case list() | tuple() | set() | frozenset():
            for inner in value:
                yield from texts_in(inner)
        case BaseModel():
            yield from texts_in(dict(value))
        case _ if is_dataclass(value):
            for one in fields(value):
                yield from texts_in(getattr(value, one.name))
        case _:
            return


def json_inputs(document: Any) -> Callable[[], Iterator[tuple[Path, str, str]]]:  # noqa: ANN401  # JSON
    """Each class at each field of *document*, and in place of the whole document."""

    def inputs() -> Iterator[tuple[Path, str, str]]:
        for path in [(), *fields_of(document)]:
            for name, raw in in_json():
                yield path, name, json_with(document, path, raw)

    return inputs
