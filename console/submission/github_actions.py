"""Reads the GitHub Actions run that this command is a step of.

https://docs.github.com/actions/reference/workflows-and-actions/variables
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.submission.actions_event import ActionsEvent, NoCommit, actions_event


@dataclass(frozen=True, slots=True)
class ActionsRun:
    """A workflow run. Run again, it keeps its id and counts attempts."""

    event: ActionsEvent
    run_id: str
    attempt: str


def actions_run(env: Mapping[str, str]) -> ActionsRun | None:
    """The run that the environment *env* belongs to; None outside GitHub Actions.

    Raises:
        NoCommit: the file of its event cannot be read.
    """
    if env.get("GITHUB_ACTIONS") != "true":
        return None
    name, repository, sha = (env.get(f"GITHUB_{what}", "") for what in ("EVENT_NAME", "REPOSITORY", "SHA"))
    event = actions_event(name, repository, sha, _event_file(env))
    return ActionsRun(event, env.get("GITHUB_RUN_ID", ""), env.get("GITHUB_RUN_ATTEMPT", ""))


def _event_file(env: Mapping[str, str]) -> bytes:
    try:
        return Path(env["GITHUB_EVENT_PATH"]).read_bytes()
    except (KeyError, OSError) as error:
        raise NoCommit(
            f"GITHUB_EVENT_PATH names no file that can be read here ({type(error).__name__}): it says what the "
            "workflow is about, and a container needs it too"
        ) from None
