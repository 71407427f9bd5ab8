"""Drills: GitHub refuses, is away, limits, or no longer has the repository."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from drilling import HEALED, Samples, drill, shows
from e2e_rig import Rig
from e2e_run import STARTS
from relay import Fate

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHORTLY = 30
"""Seconds that stand for ten minutes or an hour."""


def is_undelivered(shown: Samples) -> bool:
    return bool(shown.values("reportback_oldest_undelivered_timestamp_seconds"))


def pauses(credential: str) -> Callable[[Samples], bool]:
    return lambda shown: bool(
        shown.values("reportback_credential_paused_until_timestamp_seconds", credential=credential)
    )


async def test_the_token_was_revoked(rig: Rig) -> None:
    there, now = replace(rig, repository="acme/revoked"), drill("token revoked")
    run = await there.start("revoked")
    run.go()
    await now.alert("ReportbackTokenRefused", rig.ledger, pauses("env:REVOKED_TOKEN"))
    now.mended()
    now.does("renew the token, start the workers anew")
    await rig.reconcilers.stop()
    await rig.reconcilers.start(REVOKED_TOKEN="a-token-that-was-renewed")
    await now.healed(run.shows_on_top("success", within=HEALED))


async def test_github_is_away(rig: Rig) -> None:
    there, now = replace(rig, repository="acme/away"), drill("GitHub away 10 min", f"{SHORTLY} s")
    rig.line.fate = lambda sent: Fate.LOST if b"/repos/acme/away/" in sent else Fate.PASS
    run = await there.start("github-away")
    run.go()
    await now.alert("ReportbackUndelivered", rig.ledger, is_undelivered)
    await now.lasts(SHORTLY)
    rig.line.fate = lambda _: Fate.PASS
    now.mended()
    await now.healed(run.shows_on_top("success", within=HEALED))


async def test_github_limits_the_token(rig: Rig) -> None:
    there, now = replace(rig, repository="acme/limited"), drill("limited an hour", f"{SHORTLY} s")
    await rig.github.fault("primary_limit", repository=there.repository, seconds=SHORTLY)
    run = await there.start("limited")
    run.go()
    await now.alert("ReportbackCredentialPaused", rig.ledger, pauses("env:LIMITED_TOKEN"))
    now.mended()
    await now.healed(run.shows_on_top("success", within=SHORTLY + HEALED))


async def test_the_repository_was_renamed(rig: Rig) -> None:
    there, now = replace(rig, repository="acme/renamed"), drill("repository renamed")
    await rig.github.fault("redirect", repository=there.repository, method="*", times=0)
    run = await there.start("renamed")
    run.go()
    await now.seen(lambda: shows(run, "success"), "its commit: GitHub's redirect is followed")
    await now.healed(run.is_over("COMPLETED", within=STARTS))
    await rig.github.clear()


async def test_the_repository_was_deleted(rig: Rig) -> None:
    there, now = replace(rig, repository="acme/deleted"), drill("repository deleted", "404 for less than an hour")
    await rig.github.fault("not_found", repository=there.repository, times=0)
    run = await there.start("deleted")
    run.go()
    await now.on_page(rig, "acme/deleted")
    await rig.github.clear()
    now.mended()
    await now.types("reports", "retry", "--repository", there.repository, "--yes", env=rig.env)
    await now.healed(run.shows_on_top("success", within=HEALED))
