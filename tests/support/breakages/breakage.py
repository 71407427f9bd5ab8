"""What a deliberate breakage is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breakage:
    """Replaces *old*, which occurs once in *path*, by *new*. `tests`: the narrowest tests that must then fail."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...] = ("tests/delivery", "tests/storage")
