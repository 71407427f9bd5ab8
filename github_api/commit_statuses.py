"""The requests of the commit status, a surface: one each, under one deadline, never repeated."""

from urllib.parse import quote

from domain.delivery.commit_status import COMMIT_STATUS
from domain.delivery.outcome import Exchange, NotSent, Read, Sent
from domain.delivery.report import Report
from domain.delivery.target import Target
from github_api.classify import classify, classify_failure
from github_api.response_bodies import status_page
from github_api.same_origin import same_origin_url, shown
from github_api.send_request import Connection, Request

MAX_PAGE = 4 * 2**20
"""Most bytes of a page of statuses: a status has about 2 KB, a page 100 statuses."""


class CommitStatuses(Connection):
    """Creates and reads commit statuses, used as `async with CommitStatuses(...) as surface`."""

    kind = COMMIT_STATUS

    async def create(self, report: Report, token: str | None) -> Sent:
        """Send *report*, once. *token* is visible ASCII; None sends no Authorization.

        https://docs.github.com/rest/commits/statuses#create-a-commit-status
        """
        target = report.target
        url = f"{self.repository_url(target.repository)}/statuses/{quote(target.sha, safe='')}"
        payload = {
            "state": report.state.value,
            "target_url": report.target_url,
            "description": report.description,
            "context": target.context,
        }
        response, exchange = await self.ask(Request("POST", url, token, payload))
        if isinstance(response, Exception):
            return Sent(classify_failure(response), exchange)
        outcome = classify(
            response.status, response.headers, response.body, context=target.context, now=self.now(), url=self.api_url
        )
        return Sent(outcome, exchange)

    async def page(self, target: Target, token: str | None, page_url: str | None = None) -> Read:
        """A page of the statuses of the target's commit, of every context, newest first, bypassing caches.

        The first page, or the one at *page_url*, which is the `next_url` of the page before.
        https://docs.github.com/rest/commits/statuses#list-commit-statuses-for-a-reference
        """
        url = f"{self.repository_url(target.repository)}/commits/{quote(target.sha, safe='')}/statuses?per_page=100"
        page = url if page_url is None else same_origin_url(url, page_url)
        if page is None:
            return Read(NotSent(f"not a page of {self.api_url}: {shown(page_url or '')}"), Exchange())
        return Read(*await self.read(Request("GET", page, token, max_body=MAX_PAGE), status_page))
