"""Steps that do something at a chosen effect of a sender: its process dies, or something else happens."""

from collections.abc import Callable, Container
from inspect import isawaitable


class Died(BaseException):
    """The process ended here. `except Exception` does not catch it."""


def die(name: str) -> None:
    """End the process before the effect *name*."""
    raise Died(name)


class AtEffect:
    """A `Step` that calls *act* at the effect numbered *number*, counted from 0. Only effects in *counted* count.

    `names`: those counted so far.
    """

    def __init__(self, number: int, act: Callable[[str], object] = die, counted: Container[str] | None = None) -> None:
        self.names: list[str] = []
        self._number, self._act, self._counted = number, act, counted

    async def __call__(self, name: str) -> None:
        if self._counted is not None and name not in self._counted:
            return
        self.names.append(name)
        if len(self.names) - 1 == self._number and isawaitable(acting := self._act(name)):
            await acting
