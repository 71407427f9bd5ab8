"""Writes what a check run shows of a job beside its one-line result, in Markdown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.annotation import Annotation
from domain.delivery.check_output import MAX_SUMMARY, Output
from domain.markdown import code, link, literal
from domain.output.annotations import findings_table
from domain.output.findings import Finding

MOST_OPTIONS = 1000


def check_output(
    job_type: str, options: Mapping[str, Any], result: str, *,
    annotations: Sequence[Annotation], others: Sequence[Finding], all_found: Sequence[Finding],
    log: str | None, output: str | None,
) -> Output:  # fmt: skip
    """What is shown of a job that ended with *result*: what ran, what it found, and where its log and output are.

    *others*: findings that are no annotations; *all_found*: those too, which stand in the summary where GitHub refuses
    the annotations. *log* and *output* are addresses.
    """
    head = "\n\n".join(_head(job_type, options, result, log, output))
    return Output(_with_table(head, others), _with_table(head, all_found), tuple(annotations))


def _head(job_type: str, options: Mapping[str, Any], result: str, log: str | None, output: str | None) -> Iterator[str]:
    given = code(json.dumps(dict(options), ensure_ascii=False)[:MOST_OPTIONS]) if options else ""
    yield f"{code(job_type)} {given}".strip()
    yield literal(result)
    links = [link(words, url) for words, url in (("Log", log), ("Output", output)) if url]
    if links:
        yield " · ".join(links)


def _with_table(head: str, findings: Sequence[Finding]) -> str:
    table = findings_table(findings, most=MAX_SUMMARY - len(head.encode()) - 2)
    return f"{head}\n\n{table}" if table else head
