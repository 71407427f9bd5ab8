"""An outcome that covers another's, whose job had other options, says so."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from ledger_jobs import CREDENTIAL, accept, begin, order
from world import World

from domain.delivery.notifications import Covered
from domain.jobs.execution import EndStored, Execution, Order
from domain.jobs.job_states import JobState
from storage.jobs import jobs
from storage.operations import job_history


async def started(world: World, asked: Order, options: Mapping[str, object]) -> Execution:
    execution = await accept(world.ledger, replace(asked, options=options))
    await begin(world.ledger, execution)
    return execution


async def ended(world: World, execution: Execution, state: JobState = JobState.SUCCEEDED) -> str:
    """End an execution; what is said of the jobs beside it."""
    stored = await world.ledger.write(
        jobs.end, execution.job_id, execution.number, state, summary="-", exit_code=0, credential=CREDENTIAL
    )
    assert isinstance(stored, EndStored)
    return stored.siblings.words


async def on_page(world: World, execution: Execution) -> str:
    found = await world.ledger.read(job_history.of_job, execution.job_id)
    assert found is not None
    return found.siblings.words


async def test_a_success_that_covers_a_failure_with_other_options_says_so_on_both_pages(world: World) -> None:
    german = await started(world, order(), {"language": "de"})
    assert await ended(world, german, JobState.FAILED) == ""
    french = await started(world, order(), {"language": "fr"})
    said = await ended(world, french)
    assert said.startswith(f"covers the outcome of job {german.job_id} (language=de), failed: name such options")
    assert await on_page(world, french) == said
    assert (await on_page(world, german)).startswith(f"is covered by job {french.job_id} (language=fr), succeeded")


async def test_a_failure_that_ends_after_it_was_covered_says_so(world: World) -> None:
    german = await started(world, order(), {"language": "de"})
    french = await started(world, order(), {"language": "fr"})
    assert await ended(world, french) == ""
    assert (await ended(world, german, JobState.FAILED)).startswith(f"is covered by job {french.job_id} (language=fr)")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((order(), {"language": "de"}), (order(), {"language": "de"})),
        ((order("docs/de"), {"language": "de"}), (order("docs/fr"), {"language": "fr"})),
        ((order(sha="ab" * 20), {"language": "de"}), (order(), {"language": "fr"})),
        ((replace(order(), type="linkcheck"), {}), (order(), {"language": "fr"})),
    ],
)
async def test_what_does_not_cover_another_with_other_options_says_nothing(
    world: World, before: tuple[Order, Mapping[str, object]], after: tuple[Order, Mapping[str, object]]
) -> None:
    said = [await ended(world, await started(world, *one)) for one in (before, after)]
    assert said == ["", ""]


async def test_it_is_published_once(world: World) -> None:
    published: list[object] = []
    ledger = replace(world.ledger, publish=published.append)
    german = await started(world, order(), {"language": "de"})
    await ended(world, german, JobState.FAILED)
    french = await started(world, order(), {"language": "fr"})
    await ledger.write(
        jobs.end, french.job_id, french.number, JobState.SUCCEEDED, summary="-", exit_code=0, credential=CREDENTIAL
    )
    assert [one.job_id for one in published if isinstance(one, Covered)] == [french.job_id]
