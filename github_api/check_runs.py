"""The requests of check runs, a surface: one each, under one deadline, never repeated. Only Apps may write them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

from domain.annotation import Annotation
from domain.delivery.check_output import CheckRequest
from domain.delivery.outcome import Delivered, Exchange, NotSent, Outcome, ReadRuns, RunsPage, Sent, Unknown
from domain.delivery.target import Target
from github_api.classify import classify, classify_failure
from github_api.response_bodies import check_run, check_runs_page
from github_api.same_origin import same_origin_url, shown
from github_api.send_request import Connection, Request

PER_PAGE = 50
MAX_PAGE = 32 * 2**20
"""Most bytes of a page of check runs: a summary has at most 65,535 characters."""


class CheckRuns(Connection):
    """Creates, changes and reads check runs, used as `async with CheckRuns(...) as surface`."""

    async def send(self, request: CheckRequest, token: str | None) -> Sent:
        """Send *request*, once. *token* is visible ASCII, an App's; None sends no Authorization.

        https://docs.github.com/rest/checks/runs#create-a-check-run
        https://docs.github.com/rest/checks/runs#update-a-check-run
        """
        github_id, target = request.step.github_id, request.target
        runs = f"{self.repository_url(target.repository)}/check-runs"
        if github_id is None:
            named: dict[str, object] = {"name": target.context, "head_sha": target.sha}
            asked = Request("POST", runs, token, {**named, **_payload(request)})
        else:
            asked = Request("PATCH", f"{runs}/{github_id}", token, _payload(request))
        response, exchange = await self.ask(asked)
        if isinstance(response, Exception):
            return Sent(classify_failure(response), exchange)
        outcome = classify(
            response.status, response.headers, response.body, context=target.context, now=self.now(), url=self.api_url,
            success=HTTPStatus.CREATED if github_id is None else HTTPStatus.OK, created=_id_and_name,
        )  # fmt: skip
        return Sent(_of_the_same(outcome, github_id), exchange)

    async def run(self, repository: str, github_id: int, token: str | None) -> ReadRuns:
        """The check run with GitHub's id *github_id*, as the only one of a page.

        https://docs.github.com/rest/checks/runs#get-a-check-run
        """
        url = f"{self.repository_url(repository)}/check-runs/{github_id}"
        return ReadRuns(*await self.read(Request("GET", url, token, max_body=MAX_PAGE), _only))

    async def page(self, target: Target, token: str | None, page_url: str | None = None) -> ReadRuns:
        """A page of the target's check runs, of every App: the first, or the one at *page_url*.

        https://docs.github.com/rest/checks/runs#list-check-runs-for-a-git-reference
        """
        query = urlencode({"check_name": target.context, "filter": "all", "per_page": PER_PAGE})
        commit = f"{self.repository_url(target.repository)}/commits/{quote(target.sha, safe='')}"
        url = f"{commit}/check-runs?{query}"
        page = url if page_url is None else same_origin_url(url, page_url)
        if page is None:
            return ReadRuns(NotSent(f"not a page of {self.api_url}: {shown(page_url or '')}"), Exchange())
        return ReadRuns(*await self.read(Request("GET", page, token, max_body=MAX_PAGE), check_runs_page))


def _id_and_name(body: bytes) -> tuple[int, str] | None:
    run = check_run(body)
    return (run.id, run.name) if run else None


def _only(body: bytes, _: str | None) -> RunsPage | None:
    run = check_run(body)
    return RunsPage((run,)) if run else None


def _of_the_same(outcome: Outcome, github_id: int | None) -> Outcome:
    if isinstance(outcome, Delivered) and github_id not in (None, outcome.status_id):
        return Unknown(f"HTTP 200 for another check run: {outcome.status_id}")
    return outcome


def _payload(request: CheckRequest) -> Mapping[str, object]:
    output: dict[str, object] = {"title": request.title, "summary": request.summary}
    if request.annotations:
        output["annotations"] = [_annotation(one) for one in request.annotations]
    said: dict[str, object] = {"external_id": request.step.external_id, "output": output}
    if request.details_url is not None:
        said["details_url"] = request.details_url
    if request.conclusion is None:
        return {**said, "status": "in_progress", "started_at": _time(request.step.run.started_at)}
    said |= {"status": "completed", "conclusion": request.conclusion.value}
    return said | {"completed_at": _time(request.completed_at)} if request.completed_at else said


def _annotation(one: Annotation) -> Mapping[str, object]:
    said = {
        "path": one.path, "start_line": one.start_line, "end_line": one.end_line, "annotation_level": one.level,
        "message": one.message,
    }  # fmt: skip
    return said | {"title": one.title} if one.title else said


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
