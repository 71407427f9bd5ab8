"""A body is bounded as it is read from the connection."""

from collections.abc import AsyncIterator

import httpx
import pytest

from github_api.transport import raw_body


class Wire(httpx.AsyncByteStream):
    """A stream that counts what is taken from it."""

    def __init__(self, *parts: bytes) -> None:
        self.parts, self.taken = parts, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += 1
            yield part


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
async def test_a_body_that_is_not_encoded_is_read(encoding: str) -> None:
    reply = httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Wire(b"a", b"b"))
    assert await raw_body(reply, 2) == b"ab"


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x-unknown"])
async def test_an_encoded_body_is_refused_before_any_of_it_is_read(encoding: str) -> None:
    wire = Wire(b"a")
    with pytest.raises(httpx.DecodingError, match="came compressed"):
        await raw_body(httpx.Response(200, headers={"Content-Encoding": encoding}, stream=wire), 2)
    assert wire.taken == 0


async def test_a_body_is_read_only_to_its_bound() -> None:
    wire = Wire(*[b"aa"] * 9)
    assert await raw_body(httpx.Response(200, stream=wire), 3) == b""
    assert wire.taken == 2
