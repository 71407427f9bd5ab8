"""Hostile values by class, as JSON or TOML, to put in the place of a field."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

SECRET = "hunter2hunter2"
"""The password in a URL; no message quotes it."""

DEEP = 3_000
LONG = 200_000
HARMLESS = "\t\u200c\u200d"
"""A tab, and the two joiners of letters and emoji."""
MOST = 4_000
"""Limits in characters of a message and of a shown text."""

PLACE = "@@the-field@@"
Path: TypeAlias = tuple[str | int, ...]

TEXTS: dict[str, str] = {
    "empty": "",
    "blank": " \t ",
    "NUL": "a\0b",
    "lone surrogate": "a\ud83db",
    "escape sequences": "\x1b]0;title\x07\x1b[2Ja\x9b1m",
    "control characters": "a\x01\x08\x0b\x7f\x85b",
    "lines": "a\r\nSet-Cookie: b\n\u2028c",
    "bidi": "a\u202eb\u2066c\u061c",
    "invisible": "\u200b\ufeff\u2060",
    "tags of Unicode": "a\U000e0041\U000e0042",
    "very long": "a" * LONG,
    "many blanks": "a" + " " * LONG + "b",
    "wide": "\U0001f9d1\u200d\U0001f680" * 500,
    "other digits": "\u0661\u0662\uff13",
    "path upwards": "../../../../etc/passwd",
    "absolute path": "/etc/passwd",
    "folder of git's": "docs/.GIT/config",
    "user info in a URL": f"https://someone:{SECRET}@example.com/",
    "user info behind a backslash": "https:\\\\someone:hunter3@example.com",
    "open IPv6 address": "http://[::1",
    "script in a URL": "javascript:alert(1)",
    "program in a URL": "ext::sh -c id",
    "option": "--upload-pack=id",
    "format": "{0.__class__}%s%n{repository!r:>999999999}",
    "variable": "${HOME} {{ x }} $(id)",
    "expression": "((a+)+)+$",
    "number in text": "9" * 5_000,
    "date out of range": "0001-01-01T00:00:00+23:59",
    "date beyond": "9999-12-31T23:59:59-23:59",
    "no date": "2026-02-30T25:61:61Z",
    "infinite text": "Infinity",
}
RAW: dict[str, str] = {
    "nested lists": "[" * DEEP + "]" * DEEP,
    "nested tables": '{"a":' * DEEP + "1" + "}" * DEEP,
    "unclosed": "[" * 100_000,
    "huge number": "9" * 5_000,
    "huge negative number": "-" + "9" * 5_000,
    "beyond a float": "1e999999",
    "beyond 64 bits": str(2**63),
    "negative": "-1",
    "fraction": "0.5",
    "not a number": "NaN",
    "infinite": "Infinity",
    "true": "true",
    "null": "null",
    "list": '["a", 1, null]',
    "table": '{"a": {"b": 1}}',
    "key twice": '{"a": 1, "a": [2]}',
    "key of control characters": '{"\\u0000\\u001b[2J\\u202e": 1}',
    "half an emoji as a key": '{"\\ud83d": 1}',
}
TOML_RAW: Mapping[str, str] = {
    **{name: raw for name, raw in RAW.items() if name not in ("not a number", "infinite", "null", "nested tables")},
    "nested tables": "{a=" * DEEP + "1" + "}" * DEEP,
    "not a number": "nan",
    "infinite": "-inf",
    "key twice": "{a = 1, a = 2}",
    "table": "{a = {b = 1}}",
    "date": "9999-12-31T23:59:59-23:59",
    "time": "23:59:59",
}


def in_json() -> Iterator[tuple[str, str]]:
    """Each class by its name, as JSON."""
    yield from ((name, json.dumps(text)) for name, text in TEXTS.items())
    yield from RAW.items()


def in_toml() -> Iterator[tuple[str, str]]:
    """Each class by its name, as TOML."""
    for name, text in TEXTS.items():
        yield name, json.dumps(text, ensure_ascii="surrogate" in name).replace("\x7f", "\\u007f")
    yield from TOML_RAW.items()


def fields_of(document: Any) -> Iterator[Path]:  # noqa: ANN401  # JSON
    """The path of everything in *document*."""
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in inside:
        yield (name,)
        yield from ((name, *path) for path in fields_of(value))


def with_place(document: Any, path: Path) -> Any:  # noqa: ANN401  # the same
    """A copy of *document* in which `PLACE` stands at *path*."""
    if not path:
        return PLACE
    copy: Any = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = with_place(document[path[0]], path[1:])
    return copy


def json_with(document: Any, path: Path, raw: str) -> str:  # noqa: ANN401  # the same
    """The JSON text of *document* with *raw* at *path*."""
    return json.dumps(with_place(document, path)).replace(f'"{PLACE}"', raw)


def strange(text: str) -> str | None:
    """What is wrong with *text* as shown to people; None: nothing."""
    if SECRET in text:
        return "quotes the password of a URL"
    if len(text) > MOST:
        return f"is {len(text)} characters long"
    if bad := sorted(
        {one for line in text.splitlines() for one in line if not one.isprintable() and one not in HARMLESS}
    ):
        return f"holds {bad!r}"
    return None
