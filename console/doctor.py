"""The command `reportback doctor`."""

import os
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from console.arguments import REPOSITORY, Json
from console.checks import apps, folders, github, job_types, job_user, ledger
from console.checks.finding import Finding, bad, good
from console.checks.variables import unknown_variables
from console.problems import problems
from console.terminal import plain, results, write_json
from settings import Settings


async def doctor(*, repository: Annotated[str | None, REPOSITORY] = None, as_json: Json = False) -> int:
    """Check everything that Reportback depends on, and say what to do about each problem. Exits with 1 if any.

    Args:
        repository: As owner/name: also check whether its credential may write there. Nothing is written.
        as_json: Print a JSON array, for programs.
    """
    out, found = results(), []
    async for finding in findings(repository):
        found.append(finding)
        if not as_json:
            show(out, finding)
    if as_json:
        write_json([asdict(finding) for finding in found])
    return int(not all(finding.ok for finding in found))


async def findings(repository: str | None) -> AsyncIterator[Finding]:
    """Yield each finding as it is found. With invalid settings, nothing else is checked."""
    try:
        settings = Settings()
    except ValidationError as error:
        for words in problems(error):
            yield bad("settings", words)
        return
    unknown = [bad("settings", words) for words in unknown_variables(os.environ, settings)]
    types, declared = job_types.check(settings)
    about_ledger, facts = await ledger.check(settings)
    for finding in (*(unknown or [good("settings", "sound")]), *types, *about_ledger):
        yield finding
    async for finding in github.check(settings, repository):
        yield finding
    for finding in await apps.check(settings, declared or {}, repository):
        yield finding
    from console.checks import deployments, prefect, tokens  # noqa: PLC0415  # take seconds to load

    for finding in folders.check(settings, prefect.home()):
        yield finding
    expected = deployments.Expected(facts.ledger if facts else None, declared and list(declared), settings.interval)
    checked = await prefect.check(settings, expected)
    for finding in checked.findings:
        yield finding
    for finding in await tokens.check(settings, facts, checked.online) if facts else ():
        yield finding
    for finding in await job_user.check(settings, prefect.own_files()):
        yield finding


def show(out: Console, finding: Finding) -> None:
    """Print a line that begins with ok or WRONG, so that it needs no colour."""
    mark = Text("ok    ", style="green") if finding.ok else Text("WRONG ", style="bold red")
    out.print(Text.assemble(mark, plain(f"{finding.what}: {finding.words}")))
