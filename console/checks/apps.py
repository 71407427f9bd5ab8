"""Checks GitHub Apps: that GitHub accepts their keys, what they may do, and where."""

import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from console.checks.finding import Finding, bad, good
from domain.delivery.credential_name import CREDENTIAL, client_id_of
from domain.delivery.outcome import NoToken, Reason, Throttled, note_of
from domain.delivery.surface import SurfaceName
from domain.jobs.job_type import JobType
from domain.operations.remedies import remedy
from github_api.apps import CHECK_RUNS, CHECKOUT, PUSH, STATUSES, AppKey, Permissions, Refused
from github_api.credentials import NoCredential, configured, credential_name, key_file
from github_api.setup_check import About, AppDiagnostics, Installation
from settings import Settings


async def check(settings: Settings, types: Mapping[str, JobType], repository: str | None) -> list[Finding]:
    """Findings about each App that the settings or a job type's push name; *repository* only with its own."""
    pushing = {job.push.credential for job in types.values() if job.push}
    names = [name for name in sorted({*configured(settings.credentials), *pushing}) if client_id_of(name)]
    if not names:
        return []
    findings: list[Finding] = []
    url = str(settings.github_api_url)
    async with AppDiagnostics(url, settings.timeout, lambda: datetime.now(UTC), ca_file=settings.ca_file) as github:
        for name in names:
            try:
                key = AppKey(client_id_of(name) or "", await _key(name, settings))
            except NoCredential as error:
                findings.append(bad(name, str(error)))
                continue
            findings += file_findings(name, settings)
            findings += await _app(github, name, key, types, settings)
            if repository is not None and credential_name(repository, settings.credentials) == name:
                findings.append(await _repository(github, name, key, repository, settings))
    return findings


def file_findings(name: str, settings: Settings) -> Iterator[Finding]:
    """Whether others can read the file of an App's key."""
    found = CREDENTIAL.fullmatch(name)
    if found is None or found["block"]:
        return
    file = key_file(settings.app_keys, found["client_id"])
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        yield bad(name, f"others can read its private key: chmod 600 {file}")


async def _app(
    github: AppDiagnostics, name: str, key: AppKey, types: Mapping[str, JobType], settings: Settings
) -> list[Finding]:
    about = await github.about(key)
    if isinstance(about, Refused):
        return [refusal_finding(name, about)]
    installations = await github.installations(key)
    if isinstance(installations, Refused):
        return [refusal_finding(name, installations)]
    wanted = surfaces(settings)
    return [*permission_findings(name, about, types, wanted), *installation_findings(name, about, installations)]


async def _repository(github: AppDiagnostics, name: str, key: AppKey, repository: str, settings: Settings) -> Finding:
    from tasks.delivery.open_reporter import surface_of  # noqa: PLC0415  # loads Prefect, which takes seconds

    what, permissions = NEEDED[surface_of(repository, name, settings)]
    place = await github.place_of(key, repository)
    made = place if isinstance(place, Refused) else await github.mint(key, place, permissions)
    if isinstance(made, Refused):
        return refusal_finding(f"repository {repository}", made)
    return good(f"repository {repository}", f"{name} may write {what} there")


NEEDED: Mapping[SurfaceName, tuple[str, Permissions]] = {
    SurfaceName.CHECK_RUN: ("check runs", CHECK_RUNS),
    SurfaceName.STATUS: ("statuses", STATUSES),
}


def surfaces(settings: Settings) -> list[SurfaceName]:
    """What Apps report as, by the settings."""
    named = {*settings.report_as.values()} | (set() if "*" in settings.report_as else {SurfaceName.CHECK_RUN})
    return sorted(named)


def refusal_finding(what: str, refused: Refused) -> Finding:
    """Why GitHub does nothing for an App's key, and what to do about it."""
    outcome = refused.outcome
    if isinstance(outcome, Throttled) and outcome.reason is Reason.BAD_CREDENTIALS:
        return bad(what, f"{outcome.message}. {remedy(outcome.reason, what if client_id_of(what) else None)}")
    if isinstance(outcome, NoToken) and outcome.reason is not None:
        return bad(what, f"{outcome.why}. {remedy(outcome.reason)}")
    return bad(what, f"not asked: {note_of(outcome)}")


def permission_findings(
    name: str, about: About, types: Mapping[str, JobType], wanted: Sequence[SurfaceName] = (SurfaceName.CHECK_RUN,)
) -> Iterator[Finding]:
    """What the App asks for, and which job types would lack something."""
    asked = ", ".join(f"{one}: {access}" for one, access in sorted(about.permissions.items())) or "nothing"
    yield good(name, f"GitHub accepts its key; the App {about.slug} may have {asked}")
    for what, permissions in (NEEDED[surface] for surface in wanted):
        if not has(about.permissions, permissions):
            lacks = ", ".join(f"*{one}: {access}*" for one, access in permissions.items())
            yield bad(name, f"it cannot write {what}: give the App {lacks}. {remedy(Reason.NOT_GRANTED)}")
    if not has(about.permissions, CHECKOUT):
        yield good(name, "without *contents: read* it checks out public repositories only")
    pushing = [one for one, job in types.items() if job.push and job.push.credential == name]
    if pushing and not has(about.permissions, PUSH):
        which = ", ".join(pushing)
        yield bad(name, f"{which} cannot push: give the App *contents: write*. {remedy(Reason.NOT_GRANTED)}")


def installation_findings(name: str, about: About, installations: Sequence[Installation]) -> Iterator[Finding]:
    """Where the App is installed, and what waits for an owner there."""
    if not installations:
        yield bad(name, f"it is installed nowhere: its page on GitHub, /apps/{about.slug}, *Install*")
    for one in installations:
        what = f"{name} on {one.where}"
        if one.suspended_at is not None:
            yield bad(what, f"it is suspended. {remedy(Reason.SUSPENDED)}")
            continue
        asked = sorted(about.permissions.items())
        lacking = [f"{wanted}: {access}" for wanted, access in asked if not has(one.permissions, {wanted: access})]
        if lacking:
            yield bad(what, f"its owner has not approved {', '.join(lacking)}. {remedy(Reason.NOT_GRANTED)}")
        else:
            which = "all repositories" if one.repository_selection == "all" else "selected repositories"
            yield good(what, f"{which}; all that the App asks for is approved")


def has(granted: Permissions, wanted: Permissions) -> bool:
    """Whether *granted* includes *wanted*: who may write may read."""
    return all(granted.get(name) in (access, "write") for name, access in wanted.items())


async def _key(name: str, settings: Settings) -> str:
    from console.reporter import secret_of  # noqa: PLC0415  # loads Prefect, which takes seconds

    return await secret_of(name, settings.app_keys)
