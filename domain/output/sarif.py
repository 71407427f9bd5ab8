"""Reads findings from SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urljoin, urlsplit

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from domain.output.findings import Finding, Level
from domain.redact import refusal

LEVELS = {"error": Level.FAILURE, "warning": Level.WARNING, "note": Level.NOTICE, "none": Level.NOTICE}
NO_FAULT = frozenset(("pass", "notApplicable"))
"""Kinds of results that say that nothing is wrong."""
ROOTS = frozenset(("%SRCROOT%", "SRCROOT", "PROJECTROOT", "ROOTPATH"))
"""Names of the folder of the sources: https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support"""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ARGUMENT = re.compile(r"\{(\d{1,3})\}")


class BadSarif(ValueError):
    """The text is no SARIF 2.1.0. The message is one line and says why."""


class _Part(BaseModel):
    """A part of a SARIF file; what is not used of it is not looked at."""

    model_config = ConfigDict(frozen=True, alias_generator=AliasGenerator(to_camel))


def _or_none(value: object) -> object:
    """A line as a number; what makes no sense as one is none: the file is useful without it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 10**9 else None


_Line = Annotated[int | None, BeforeValidator(_or_none)]


class _Message(_Part):
    text: str | None = None
    id: str | None = None
    arguments: tuple[str, ...] = ()


class _Configuration(_Part):
    level: str | None = None


class _Rule(_Part):
    id: str = ""
    message_strings: Mapping[str, _Message] = Field(default_factory=dict)
    default_configuration: _Configuration = _Configuration()


class _RuleName(_Part):
    id: str | None = None
    index: int = -1


class _Artifact(_Part):
    uri: str | None = None
    uri_base_id: str | None = None
    index: int = -1


class _File(_Part):
    location: _Artifact = _Artifact()


class _Region(_Part):
    start_line: _Line = None
    end_line: _Line = None


class _Physical(_Part):
    artifact_location: _Artifact = _Artifact()
    region: _Region = _Region()


class _Location(_Part):
    physical_location: _Physical = _Physical()


class _Suppression(_Part):
    status: str = "accepted"


class _Result(_Part):
    message: _Message
    level: str | None = None
    kind: str = "fail"
    rule_id: str | None = None
    rule_index: int = -1
    rule: _RuleName = _RuleName()
    locations: tuple[_Location, ...] = ()
    suppressions: tuple[_Suppression, ...] = ()


class _Driver(_Part):
    rules: tuple[_Rule, ...] = ()


class _Tool(_Part):
    driver: _Driver = _Driver()


class _Run(_Part):
    tool: _Tool = _Tool()
    results: tuple[_Result, ...] | None = None
    artifacts: tuple[_File, ...] = ()
    original_uri_base_ids: Mapping[str, _Artifact] = Field(default_factory=dict)


class _Log(_Part):
    version: Literal["2.1.0"]
    runs: tuple[_Run, ...]


def findings_in(content: bytes) -> tuple[Finding, ...]:
    """The findings of a SARIF file, in its order, without those that are suppressed.

    A path is relative to the sources, or absolute, as the file has it. What has no place has an empty path.

    Raises:
        BadSarif: it is no SARIF 2.1.0.
    """
    try:
        log = _Log.model_validate_json(content.removeprefix(BYTE_ORDER_MARK))
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadSarif(refusal(f"{where}: {first['msg']}" if where else first["msg"])) from None
    return tuple(found for run in log.runs for found in _of_run(run))


def _of_run(run: _Run) -> Iterator[Finding]:
    rules = run.tool.driver.rules
    by_id = {rule.id: rule for rule in rules}
    for result in run.results or ():
        if result.kind in NO_FAULT or any(one.status == "accepted" for one in result.suppressions):
            continue
        name, index = result.rule_id or result.rule.id or "", max(result.rule_index, result.rule.index)
        rule = rules[index] if 0 <= index < len(rules) else by_id.get(name, _Rule(id=name))
        place = result.locations[0].physical_location if result.locations else _Physical()
        path, region = _path(place.artifact_location, run), place.region
        level = LEVELS.get(result.level or rule.default_configuration.level or "", Level.WARNING)
        said = _said(result.message, rule) or name or rule.id
        if said:
            yield Finding(path, region.start_line, level, said, end_line=region.end_line, title=name or rule.id)


def _said(message: _Message, rule: _Rule) -> str:
    text = message.text
    if text is None and message.id is not None:
        text = rule.message_strings.get(message.id, _Message()).text
    arguments = dict(enumerate(message.arguments))
    return ARGUMENT.sub(lambda found: arguments.get(int(found[1]), found[0]), text or "").strip()


def _path(artifact: _Artifact, run: _Run) -> str:
    """The path that *artifact* names: percent-decoded, relative to the sources or absolute; empty: no file's."""
    if not artifact.uri and 0 <= artifact.index < len(run.artifacts):
        artifact = run.artifacts[artifact.index].location
    uri = artifact.uri or ""
    try:
        base = run.original_uri_base_ids.get(artifact.uri_base_id or "")
        if base and base.uri and artifact.uri_base_id not in ROOTS:
            uri = urljoin(base.uri if base.uri.endswith("/") else f"{base.uri}/", uri)
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return unquote(parts.path) if parts.scheme in ("", "file") else ""
