"""Submission of a docs job, and what a flow run asks for, read back from its parameters."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ValidationError

from domain.delivery.target import Target
from domain.jobs.job_type import JobType, Word
from domain.jobs.options import BadOptions
from domain.jobs.target_request import TargetRequest
from domain.jobs.templates import default_context


@dataclass(frozen=True, slots=True)
class Submission:
    """A requested docs job."""

    job_type: str
    target: TargetRequest
    options: Mapping[str, object]

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of the docs-job flow; those not given have its defaults."""
        target = self.target.model_dump(exclude_defaults=True)
        return {"job": self.job_type, "options": dict(self.options), "target": target}

    def key(self, run_id: str, run_attempt: str) -> str:
        """Idempotency key of a trigger: `repository:sha:type:run_id:run_attempt`.

        Options, context and link are included if given: one workflow may ask for a job in two languages.
        """
        key = f"{self.target.repository}:{self.target.sha}:{self.job_type}:{run_id}:{run_attempt}"
        more = (dict(self.options), self.target.context, self.target.url)
        return f"{key}:{_digest(more)}" if any(more) else key


def _digest(more: tuple[object, ...]) -> str:
    return sha256(json.dumps(more, sort_keys=True).encode()).hexdigest()[:12]


class UnreadableJob(ValueError):
    """The parameters of a flow run name no job that a normal submission could start; the message says why."""


@dataclass(frozen=True, slots=True)
class AskedJob:
    """A job type, its options and, unless it reports nowhere, where it is to report.

    `options`: with the defaults of those not given; none if they are invalid or jobs.toml cannot be read.
    """

    job_type: str
    options: Mapping[str, object]
    wanted: TargetRequest | None
    target: Target | None


class _Parameters(BaseModel):
    """The parameters of the docs-job flow. Options are not checked: they may be why the job was not accepted."""

    job: Word
    target: TargetRequest | None = None
    options: Any = None


def asked_by(parameters: Mapping[str, object], types: Mapping[str, JobType] | None) -> AskedJob:
    """The job that flow-run *parameters* ask for, validated like a submission.

    *types*: the job types; None: jobs.toml cannot be read, and the context of each is its default, "docs/TYPE".

    Raises:
        UnreadableJob: the job type or the target is missing, unknown or invalid.
    """
    try:
        asked = _Parameters.model_validate(parameters)
    except ValidationError as error:
        fields = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        raise UnreadableJob(f"its parameters are invalid: {', '.join(fields)}") from None
    if types is not None and asked.job not in types:
        raise UnreadableJob("jobs.toml has no such job type")
    options = asked.options if isinstance(asked.options, dict) else {}
    context = default_context(asked.job) if types is None else types[asked.job].context_of(options)
    try:
        known = {} if types is None else types[asked.job].completed(options)
    except BadOptions:
        known = {}
    return AskedJob(asked.job, known, asked.target, asked.target.to_target(context) if asked.target else None)
