"""The cases of the demo, and what is wrong with the statuses that GitHub holds for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


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


BUILDS = Case("a", "the documentation builds", "sphinx-docs", "success")
FAILS = Case("b", "the build fails", "broken-docs", "failure")
LOST = Case("c", "GitHub stores the outcome, and its reply is lost", "sphinx-docs", "success")
OUTAGE = Case("d", "GitHub is away for longer than the retries last", "sphinx-docs", "success")
CASES = (BUILDS, FAILS, LOST, OUTAGE)


def problem(case: Case, states: Sequence[str]) -> str | None:
    """What is wrong with the *states* that GitHub holds for *case*, oldest first; None: nothing."""
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


def requests_used(requests: Sequence[dict[str, Any]]) -> str:
    """The *requests* that GitHub has seen, by what each was for."""
    posts = [one for one in requests if one["method"] == "POST"]
    reads = [one for one in requests if one["method"] == "GET"]
    stored = sum(one["stored_id"] is not None for one in posts)
    lost = sum(one["stored_id"] is not None and one["fault"] is not None for one in posts)
    refused = sum(one["fault"] is not None for one in reads)
    return (
        f"{len(requests)} requests to GitHub: {stored} stored a status ({lost} of them without a reply), "
        f"{len(posts) - stored} were sent while it was away, and {len(reads)} asked what it has before "
        f"anything was sent again ({refused} of them while it was away)."
    )
