"""A Retry of a flow run whose job has been pruned from the ledger."""

from datetime import timedelta

from flow_rig import Rig
from flow_runs import run, run_again

from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from storage.models import Job


async def test_a_retry_of_a_run_whose_job_was_pruned_executes_it_anew(rig: Rig) -> None:
    rig.job_is("echo built >> {folder}/notes")
    done = await rig.run_job()
    rig.skipped += timedelta(days=31)
    await rig.run_job(target=rig.target(context="docs/today"))  # what has the highest ids stays
    await run(reconcile_reports)
    assert done.id not in {job.id for job in await rig.rows(Job)}
    await run_again(docs_job, done.id)
    [job] = [job for job in await rig.rows(Job) if job.id == done.id]
    assert (job.execution, rig.noted()) == (2, ["built", "built", "built"])
    assert rig.states() == ["pending", "success"] * 3
