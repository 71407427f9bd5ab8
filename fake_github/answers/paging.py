"""Pages lists as GitHub does: https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

PER_PAGE = 30
MAX_PER_PAGE = 100
T = TypeVar("T")


def page_of(listed: Sequence[T], query: Mapping[str, str], url: str) -> tuple[Sequence[T], Mapping[str, str]]:
    """The page of *listed*, a list at *url*, that *query* requests, and its `Link` header, if there are more."""
    page, per_page = _positive(query.get("page"), 1), min(_positive(query.get("per_page"), PER_PAGE), MAX_PER_PAGE)
    last = max(1, -(-len(listed) // per_page))
    pages = {}
    if page > 1:
        pages["prev"] = min(page - 1, last)
    if page < last:
        pages |= {"next": page + 1, "last": last}
    if page > 1:
        pages["first"] = 1
    kept = {name: value for name, value in query.items() if name not in ("page", "per_page")}
    query_of = {rel: urlencode({**kept, "per_page": per_page, "page": number}) for rel, number in pages.items()}
    links = ", ".join(f'<{url}?{asked}>; rel="{rel}"' for rel, asked in query_of.items())
    return listed[(page - 1) * per_page : page * per_page], {"link": links} if links else {}


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else default
