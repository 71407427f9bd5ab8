"""Connects to the Prefect server that PREFECT_API_URL or the profile names, also Prefect Cloud."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from domain.addresses import without_user
from domain.text import one_line
from local.no_server import NoAnswer, NoServer


@asynccontextmanager
async def prefect_server() -> AsyncIterator[PrefectClient]:
    """A client of the server, which has just answered. Other exceptions of the block are passed on.

    Raises:
        NoServer: none is named.
        NoAnswer: it does not answer, now or later.
    """
    if not (url := PREFECT_API_URL.value()):  # Prefect's client would start a server of its own
        raise NoServer(
            "PREFECT_API_URL is not set: export the address of your Prefect server, such as http://127.0.0.1:4200/api"
        )
    shown = without_user(url)
    try:
        async with AsyncExitStack() as stack:
            client = await _entered(stack)
            await client.read_work_pools(limit=1)
            yield client
    except httpx.TransportError as error:
        raise NoAnswer(f"the Prefect server at {shown} cannot be reached: {type(error).__name__}: {error}") from error
    except httpx.HTTPStatusError as error:
        words = one_line(error.response.text)[:200]
        raise NoAnswer(f"the Prefect server at {shown} answered {error.response.status_code}: {words}") from error


async def _entered(stack: AsyncExitStack) -> PrefectClient:
    try:
        return await stack.enter_async_context(get_client())
    except httpx.InvalidURL:  # not quoted, as it may quote a password
        raise NoServer("PREFECT_API_URL is no address, such as http://127.0.0.1:4200/api") from None
    except OSError as error:  # errors of the network are wrapped by httpx
        raise NoServer(
            "the certificates that PREFECT_API_SSL_CERT_FILE or SSL_CERT_FILE names cannot be read: "
            f"{error.strerror or error}"
        ) from error
