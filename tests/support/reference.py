"""Writes the reference pages of docs/ from the code: `python tests/support/reference.py`; a test holds them current."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from metric_snapshots import FULL

import cli
from domain.delivery import report
from domain.jobs.jobs_file import json_schema
from domain.jobs.target_request import TargetRequest
from domain.text import one_line
from tasks.operations.metric_families import SnapshotCollector

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMANDS = """\
# All commands

Each command with its arguments and options, as `--help` shows them. [Commands](commands.md) says when to use
which, and what the exit codes and the fields of `--json` mean.
`reportback --install-completion` teaches bash, zsh and fish the commands and their options.

"""
NAMES = """\
# Fields and names

The fields of a request and of `jobs.toml`, the metrics and the events. [Settings](configuration.md) and
[commands](command-reference.md) have their own pages.

"""

REQUEST = """\
## Request

The parameters of the flow `docs-job`: `job`, `options` by name, and `target`, of which these are the fields.

| field | | meaning |
| --- | --- | --- |"""
JOBS_FILE = """
## jobs.toml

`version = 1`, and a table `[jobs.NAME]` for each job type: *JobType* below, and the tables that it may have. [Job
types](job-types.md) explains the fields."""
METRICS = """
## Metrics

[Operating](operate.md#metrics) says what to watch.

| metric | kind | labels | meaning |
| --- | --- | --- | --- |"""
EVENTS = """
## Events of a report

`reportback reports show` and the page of a job list them.

| event | meaning |
| --- | --- |"""


def pages() -> dict[str, str]:
    """The content of each page, by its file name."""
    return {"command-reference.md": COMMANDS + _commands(), "reference.md": NAMES + "\n".join(_names()) + "\n"}


def _commands() -> str:
    """The help of all commands, without its contents, which the site has at the side."""
    whole = cli.app.generate_docs(output_format="markdown")
    lines = whole[whole.index("\n## reportback db\n") + 1 :].splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _names() -> Iterator[str]:
    yield REQUEST
    yield from _request(TargetRequest.model_json_schema())
    yield JOBS_FILE
    for name, of in json_schema()["$defs"].items():
        yield f"\n### {name}\n"
        yield from _fields(of)
    yield METRICS
    yield from _metrics()
    yield EVENTS
    for name, meaning in re.findall(r'= "(\w+)"  # (.+)', inspect.getsource(report.EventKind)):
        yield f"| `{name}` | {meaning} |"


def _request(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, field in schema["properties"].items():
        needed = "required" if name in schema["required"] else "optional"
        yield f"| `{name}` | {needed} | {_cell(field['description'])} |"


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | value | default |"
    yield "| --- | --- | --- |"
    for name, field in schema["properties"].items():
        default = f"`{json.dumps(field['default'])}`" if field.get("default") is not None else "none"
        shown = "required" if name in schema.get("required", ()) else default
        yield f"| `{name}` | {_kind(field)} | {_cell(shown)} |"


def _kind(field: Mapping[str, Any]) -> str:
    """What a field holds, in words."""
    if several := field.get("anyOf") or field.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(one) for one in several if one.get("type") != "null"))
    if "$ref" in field:
        return f"a table {field['$ref'].rpartition('/')[2]}"
    if "const" in field or "enum" in field:
        return " or ".join(f"`{one}`" for one in field.get("enum", [field.get("const")]))
    match field.get("type"):
        case "array":
            return f"a list: {_kind(field.get('items', {}))}"
        case "object":
            inner = field.get("additionalProperties")
            return f"a table: {_kind(inner)}" if isinstance(inner, dict) else "a table"
        case kind:
            return str(kind or "any value")


def _metrics() -> Iterator[str]:
    for family in SnapshotCollector(FULL).collect():
        labels = ", ".join(f"`{name}`" for name in getattr(family, "_labelnames", ())) or "none"
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"| `{name}` | {family.type} | {labels} | {_cell(family.documentation)} |"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


if __name__ == "__main__":
    for name, content in pages().items():
        (DOCS / name).write_text(content, encoding="utf-8")
