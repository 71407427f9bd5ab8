"""How many statements a job and its reports cost: on PostgreSQL each is a trip to the server and back.

Not counted: the beginning and the end of a transaction, and the question for the time.
"""

from dataclasses import replace

from ledger_jobs import accept, begin, end, order, recorded
from sqlalchemy import event
from world import World

from domain.delivery.budget import WriteBudget
from tasks.report_status import deliver_report

BEGINNINGS = ("BEGIN", "SELECT set_config(")


async def test_a_whole_job_costs_42_statements(world: World) -> None:
    sender = replace(world.reporter, policy=replace(world.policy, budget=WriteBudget()))
    executed: list[str] = []
    costs: dict[str, int] = {}

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith(BEGINNINGS):
            executed.append(statement)

    def counted(step: str) -> None:
        costs[step] = len(executed)
        executed.clear()

    await accept(world.ledger, order("docs/before"))
    event.listen(world.ledger.engine, "before_cursor_execute", note)
    execution = await accept(world.ledger, order())
    counted("accept")
    await deliver_report(sender, recorded(execution.report), job_ends_now=True)
    counted("pending")
    await begin(world.ledger, execution)
    counted("begin")
    outcome = await end(world.ledger, execution)
    counted("end")
    await deliver_report(sender, recorded(outcome), job_ends_now=True)
    counted("outcome")
    event.remove(world.ledger.engine, "before_cursor_execute", note)
    assert costs == {"accept": 7, "pending": 13, "begin": 1, "end": 9, "outcome": 12}
    assert world.held() == ["pending", "success"]
