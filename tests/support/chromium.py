"""Drives headless Chromium by its DevTools protocol: https://chromedevtools.github.io/devtools-protocol/."""

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from waiting import until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

NAMES = ("chromium", "chromium-browser", "google-chrome")
STARTS = 60
"""Seconds allowed for the start, and for a page to show something."""

CTRL = 2

FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",  # started by root it has none, and what it opens is ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--font-render-hinting=none",
)


def chromium() -> str:
    """Path of the installed Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "chromium is missing: apt-get install chromium"
    return found


@dataclass
class Browser:
    """A running Chromium."""

    _socket: ClientConnection
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def ask(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        """Call *method*, in the page of *session*, and return its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        asked = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        await self._socket.send(json.dumps(asked))
        async with asyncio.timeout(STARTS):
            result: dict[str, Any] = await answer
        return result

    async def listen(self) -> None:
        """Hand answers to their callers until the browser is gone."""
        with suppress(ConnectionClosed):
            async for message in self._socket:
                told = json.loads(message)
                answer = self._answers.pop(told.get("id", -1), None)
                if answer is None or answer.done():
                    continue
                if "error" in told:
                    answer.set_exception(RuntimeError(told["error"]["message"]))
                else:
                    answer.set_result(told["result"])

    @asynccontextmanager
    async def page(self, *, width: int = 1280, height: int = 900, is_dark: bool = False) -> AsyncIterator["Page"]:
        """Open an empty page of a size in CSS pixels, with a preference for light or dark colours."""
        target = (await self.ask("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = Page(self, session)
        await page.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", session, features=[scheme])
        try:
            yield page
        finally:
            await self.ask("Target.closeTarget", targetId=target)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a browser."""

    _browser: Browser
    _session: str

    async def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self._browser.ask("Emulation.setDeviceMetricsOverride", self._session, **size)

    async def open(self, url: str) -> None:
        """Go to *url*, without waiting for its content."""
        await self._browser.ask("Page.navigate", self._session, url=url)

    async def value(self, expression: str) -> Any:  # noqa: ANN401  # whatever JavaScript has
        """The value of a JavaScript expression; a promise is awaited.

        Raises:
            AssertionError: it throws.
        """
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        result = await self._browser.ask("Runtime.evaluate", self._session, **asked)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def text(self) -> str:
        """The visible text."""
        return str(await self.value("document.body ? document.body.innerText : ''"))

    async def shows(self, *words: str, within: float = STARTS) -> None:
        """Wait until it shows all *words*."""
        seen: list[str] = []

        async def are_there() -> bool:
            seen[:] = [await self.text()]
            return all(word in seen[0] for word in words)

        await until(are_there, within=within, what=lambda: f"the page to show {words}; it shows {seen[0][-3000:]!r}")

    async def holds(self, expression: str, *, within: float = STARTS) -> None:
        """Wait until a JavaScript expression is true."""
        await until(lambda: self.value(f"!!({expression})"), within=within, what=lambda: f"{expression} to be true")

    async def click(self, found: str) -> None:
        """Click the element of the JavaScript expression *found*, once it is there and no longer moves."""
        await self.holds(found)
        await self.value(f"({found}).scrollIntoView({{block: 'nearest'}})")
        place: list[float] = []

        async def rests() -> bool:
            before = place[:]
            middle = "b => [b.x + b.width / 2, b.y + b.height / 2]"
            place[:] = await self.value(f"({middle})(({found}).getBoundingClientRect())")
            return place == before

        await until(rests, within=STARTS, what=f"{found} to rest")
        for kind in ("mousePressed", "mouseReleased"):
            press = {"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}
            await self._browser.ask("Input.dispatchMouseEvent", self._session, **press)

    async def write(self, found: str, text: str) -> None:
        """Click *found* and replace its text by *text*, as a keyboard does."""
        await self.click(found)
        for kind in ("rawKeyDown", "keyUp"):
            key = {"type": kind, "key": "a", "modifiers": CTRL, "commands": ["selectAll"]}
            await self._browser.ask("Input.dispatchKeyEvent", self._session, **key)
        await self._browser.ask("Input.insertText", self._session, text=text)
        await self.holds(f"(one => (one.value ?? one.innerText) === {json.dumps(text)})({found})")

    async def screenshot(self, *, whole: bool = False) -> bytes:
        """A PNG of the window, or of the *whole* page."""
        asked = {"format": "png", "captureBeyondViewport": whole}
        return base64.b64decode((await self._browser.ask("Page.captureScreenshot", self._session, **asked))["data"])


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start a Chromium with an empty profile; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="reportback-chromium-", ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            chromium(), *FLAGS, f"--user-data-dir={folder}", "about:blank",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with connect(await _address(Path(folder)), max_size=None, proxy=None) as socket:
                made = Browser(socket)
                listening = asyncio.create_task(made.listen())
                yield made
                await made.ask("Browser.close")
                await listening
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _address(folder: Path) -> str:
    """Its address, as written into its profile folder."""
    named = folder / "DevToolsActivePort"
    lines: list[str] = []

    async def is_written() -> bool:
        with suppress(FileNotFoundError):
            lines[:] = named.read_text(encoding="utf-8").split()
        return len(lines) == 2

    await until(is_written, within=STARTS, what="Chromium to listen")
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
