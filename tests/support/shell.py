"""A shell for tests of commands: reads what was printed, and makes a ledger with rows to show."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ledger_jobs import order, run_job
from world import World

from fake_github.faults import Kind
from github_api.credentials import DEFAULT_CREDENTIAL

TOKEN = "ghp_notASecretButLikeOne0000000000000000"


@dataclass(frozen=True, slots=True)
class Shell:
    """Reads what commands print."""

    capsys: pytest.CaptureFixture[str]

    def said(self) -> str:
        """Stdout since the last call, with white space folded, which pads tables."""
        return " ".join(self.capsys.readouterr().out.split())

    def heard(self) -> tuple[str, str]:
        """Stdout and stderr since the last call, unchanged."""
        out, err = self.capsys.readouterr()
        return out, err

    def json(self) -> Any:  # noqa: ANN401  # what JSON is
        """Stdout as JSON."""
        return json.loads(self.capsys.readouterr().out)


async def recorded(
    world: World, context: str, kind: Kind | None = None, *, credential: str = DEFAULT_CREDENTIAL
) -> int:
    """Record an outcome; return its report's number. With a *kind* of fault it is attempted once."""
    await run_job(world.ledger, replace(order(context), credential=credential))
    if kind is not None:
        world.fault(kind, context=context)
        await world.deliver(context)
    return (await world.target(context)).newest_id or 0
