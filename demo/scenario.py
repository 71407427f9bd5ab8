"""The demo's cases, and what GitHub must hold for each of them in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

REPOSITORY = "reportback/docs"


@dataclass(frozen=True, slots=True)
class Case:
    """One docs job. `outcome` is the state that GitHub must show for it, once."""

    letter: str
    title: str
    job: str
    outcome: str

    @property
    def context(self) -> str:
        """Its own context, so that the commit's page shows all four."""
        return f"docs/{self.letter}-{self.job}"


BUILDS = Case("a", "builds", "sphinx-docs", "success")
FAILS = Case("b", "its command fails", "broken-docs", "failure")
OUTAGE = Case("c", "GitHub is unavailable for longer than the task retries", "sphinx-docs", "success")
LOST = Case("d", "GitHub stores it, and the reply is lost", "sphinx-docs", "success")
CASES = (BUILDS, FAILS, OUTAGE, LOST)


def problem(case: Case, held: Sequence[Mapping[str, str]]) -> str | None:
    """What is wrong with the statuses that GitHub holds for *case*, oldest first; None: nothing."""
    states = [status["state"] for status in held]
    outcomes = [state for state in states if state != "pending"]
    if not outcomes:
        return "the outcome is missing"
    if len(outcomes) > 1 or states.count("pending") > 1:
        return f"doubled: {', '.join(states)}"
    if states[-1] == "pending":
        return "`pending` covers the outcome"
    if outcomes != [case.outcome]:
        return f"{outcomes[0]} instead of {case.outcome}"
    return None
