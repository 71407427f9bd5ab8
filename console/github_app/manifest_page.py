"""A page on this machine that posts an App's manifest to GitHub, and takes the code with which GitHub leads back."""

import asyncio
import hmac
import json
import secrets
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qs, urlsplit

PAGE = """<!doctype html><meta charset="utf-8"><title>Reportback: a GitHub App</title>
<form method="post" action="{address}?state={state}"><input type="hidden" name="manifest" value="{manifest}">
<button>Make the GitHub App at {address}</button></form>
"""
DONE = """<!doctype html><meta charset="utf-8"><title>Reportback</title><p>Done: go back to the terminal.</p>
"""
MOST = 16 * 2**10
"""Bytes of a request's head."""


async def code_from_github(address: str, manifest: Mapping[str, object], port: int) -> str:
    """Serve the page on *port* of this machine until GitHub has led a browser back to it; returns the code."""
    state = secrets.token_urlsafe(24)
    page = PAGE.format(address=escape(address), state=state, manifest=escape(json.dumps(manifest)))
    code: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            status, body, found = _answer(await reader.readuntil(b"\r\n\r\n"), page, state)
            writer.write(_response(status, body))
            await writer.drain()
            if found and not code.done():
                code.set_result(found)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port, limit=MOST):
        return await code


def _answer(head: bytes, page: str, state: str) -> tuple[str, str, str]:
    """What a request gets, and the code that it brought, if GitHub sent the browser that began here."""
    method, _, rest = head.decode("latin-1").partition(" ")
    asked = urlsplit(rest.partition(" ")[0])
    given = {name: values[0] for name, values in parse_qs(asked.query).items()}
    if method != "GET" or asked.path not in ("/", "/created"):
        return "404 Not Found", "", ""
    if asked.path == "/":
        return "200 OK", page, ""
    if not hmac.compare_digest(given.get("state", ""), state) or not given.get("code"):
        return "400 Bad Request", "", ""
    return "200 OK", DONE, given["code"]


def _response(status: str, body: str) -> bytes:
    raw = body.encode()
    head = (
        f"HTTP/1.1 {status}", "Content-Type: text/html; charset=utf-8", f"Content-Length: {len(raw)}",
        "Cache-Control: no-store", "Connection: close", "", "",
    )  # fmt: skip
    return "\r\n".join(head).encode() + raw
