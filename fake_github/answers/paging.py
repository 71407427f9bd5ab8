"""Pages lists as GitHub does: https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api."""

from collections.abc import Mapping
from dataclasses import dataclass

PER_PAGE = 30
MAX_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Paging:
    """The requested page of a list; the first is 1."""

    page: int
    per_page: int

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> "Paging":
        """The page that *query* requests, within GitHub's bounds."""
        per_page = _positive(query.get("per_page"), PER_PAGE)
        return cls(_positive(query.get("page"), 1), min(per_page, MAX_PER_PAGE))

    @property
    def shown(self) -> slice:
        """The part of the list on this page."""
        return slice((self.page - 1) * self.per_page, self.page * self.per_page)

    def link(self, url: str, total: int) -> Mapping[str, str]:
        """The `Link` header for a list of *total* at *url*; none if one page holds all."""
        last = max(1, -(-total // self.per_page))
        pages = {}
        if self.page > 1:
            pages["prev"] = min(self.page - 1, last)
        if self.page < last:
            pages |= {"next": self.page + 1, "last": last}
        if self.page > 1:
            pages["first"] = 1
        if not pages:
            return {}
        links = (f'<{url}?per_page={self.per_page}&page={page}>; rel="{rel}"' for rel, page in pages.items())
        return {"link": ", ".join(links)}


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else default
