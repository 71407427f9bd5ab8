"""A shell for tests of commands: reads what was printed, and makes a ledger with rows to show."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from world import World, order, run_job

from fake_github.faults import Kind
from github_api.credentials import DEFAULT_CREDENTIAL

TOKEN = "ghp_notASecretButLikeOne0000000000000000"


@dataclass(frozen=True, slots=True)
class Shell:
    """What commands print."""

    capsys: pytest.CaptureFixture[str]

    def said(self) -> str:
        """On stdout since the last question, white space folded: tables are filled up with it."""
        return " ".join(self.capsys.readouterr().out.split())

    def heard(self) -> tuple[str, str]:
        """On stdout and on stderr since the last question, as it stands there."""
        out, err = self.capsys.readouterr()
        return out, err

    def json(self) -> Any:  # noqa: ANN401  # what JSON is
        """What a program reads on stdout."""
        return json.loads(self.capsys.readouterr().out)


async def recorded(
    world: World, context: str, kind: Kind | None = None, *, credential: str = DEFAULT_CREDENTIAL
) -> int:
    """The number of a new outcome's report; tried once, if a *kind* of fault is to strike it."""
    await run_job(world.ledger, replace(order(context), credential=credential))
    if kind is not None:
        world.fault(kind, context=context)
        await world.deliver(context)
    return (await world.target(context)).newest_id or 0
