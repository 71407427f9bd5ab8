"""Accepts the job that a flow run asks for, or refuses it with the reason before anything runs."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from domain.addresses import openable, site_of_api, without_user
from domain.delivery.target import Target
from domain.jobs.execution import CarriedOutElsewhere, Done, Execution, Order
from domain.jobs.job_type import JobType
from domain.jobs.target_request import TargetRequest
from settings import Settings
from storage.jobs import jobs, liveness
from storage.jobs.jobs import OLD_HEARTBEAT
from storage.jobs.liveness import AtWork
from storage.transaction import timed
from tasks.delivery.open_reporter import credential_of, surface_of
from tasks.delivery.reporter import Reporter
from tasks.jobs.heartbeat import WATCH_FOR
from tasks.process.identity import is_gone, this_process

POLL_EVERY = timedelta(seconds=2)
"""How often a second process checks for a heartbeat of the first."""


def order_of(
    flow_run_id: UUID, job_type: JobType, options: Mapping[str, Any], wanted: TargetRequest | None, settings: Settings,
    *, page: str | None, start: int = 1,
) -> Order:  # fmt: skip
    """The job that the flow run asks for. *page* is its page in Prefect's UI; *start* counts how often it was started.

    Raises:
        BadOptions: an option is not declared, or out of its bounds.
        NoCredential: no credential may report on that repository, or not as settings ask.
    """
    options = job_type.completed(options)  # two jobs with the same options have them in the same words
    if wanted is None:
        return Order(flow_run_id, job_type.name, options, job_type.exclusive, None, None, "", start)
    target = wanted.to_target(job_type.context_of(options))
    url = link_of(wanted.url, page, target, settings)
    credential = credential_of(target.repository, settings)
    surface = surface_of(target.repository, credential, settings)
    return Order(flow_run_id, job_type.name, options, job_type.exclusive, target, url, credential, start, surface)


def link_of(wanted: str, page: str | None, target: Target, settings: Settings) -> str:
    """Where the job's statuses link to: *wanted*, else the flow run's *page*; the commit only where there is no page.

    On the commit, a link to the commit leads nowhere. A page on a loopback address opens on that machine alone, until
    PREFECT_UI_URL says where others find it.
    """
    return wanted or own_page(page) or commit_page(str(settings.github_api_url), target)


async def accept_job(reporter: Reporter, order: Order) -> Execution | Done | CarriedOutElsewhere:
    """Accept *order*. `CarriedOutElsewhere`: another process runs it, with its last heartbeat at that time.

    A silent process is watched until a heartbeat would have arrived and its last one is 30 s old; then its job is taken
    over. A process that ends the job meanwhile, sends a heartbeat, or lives on this machine keeps it.
    """
    accepted = await _accept(reporter, order, takes_over=False)
    if not isinstance(accepted, CarriedOutElsewhere):
        return accepted
    other, now = await _other_process(reporter, order)
    left = await (_ended(reporter, order) if other is None else _watch(reporter, order, other, now))
    return left or await _accept(reporter, order, takes_over=True)


async def _watch(reporter: Reporter, order: Order, first: AtWork, since: datetime) -> CarriedOutElsewhere | None:
    """Watch the process that runs the job. None: it is silent, or its job was ended as lost."""
    while True:
        await asyncio.sleep(POLL_EVERY.total_seconds())
        other, now = await _other_process(reporter, order)
        if other is None:
            return await _ended(reporter, order)
        if other != first:
            return CarriedOutElsewhere(other.beat_at)
        if now - since >= WATCH_FOR and now - first.beat_at >= OLD_HEARTBEAT:
            return CarriedOutElsewhere(first.beat_at) if is_gone(first.process) is False else None


async def _other_process(reporter: Reporter, order: Order) -> tuple[AtWork | None, datetime]:
    """The execution that another process has started and not ended, and the time."""
    others, now = await reporter.ledger.read(timed, liveness.at_work, job_id=order.flow_run_id)
    return next((one for one in others if one.process != this_process()), None), now


async def _accept(reporter: Reporter, order: Order, *, takes_over: bool) -> Execution | Done | CarriedOutElsewhere:
    return await reporter.ledger.write(jobs.accept, order, by=this_process(), takes_over=takes_over)


async def _ended(reporter: Reporter, order: Order) -> CarriedOutElsewhere | None:
    """When another process ended the job meanwhile. None: it was ended as lost, or not at all."""
    ended_at = await reporter.ledger.read(jobs.ended_at, order.flow_run_id)
    return CarriedOutElsewhere(ended_at) if ended_at else None


def commit_page(api_url: str, target: Target) -> str:
    """The commit's page on the GitHub whose API is at *api_url*."""
    return f"{site_of_api(api_url)}/{target.repository}/commit/{target.sha}"


def own_page(page: str | None) -> str | None:
    """A flow run's *page* as a public link; None: there is none. Prefect gives "None/…" where it knows no UI's address.

    Prefect builds it from its own address, which may hold a password: that is removed.
    """
    return openable(without_user(page)) if page is not None and urlsplit(page).scheme in {"http", "https"} else None
