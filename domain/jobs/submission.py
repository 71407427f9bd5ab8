"""Submission of a docs job from a shell or a workflow."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from domain.jobs.target_request import TargetRequest


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
