"""Selects the values of a job's environment variables that are hidden in its output."""

import re
from collections.abc import Mapping, Sequence

from domain.redact import SHORTEST_SECRET

CALLED_SECRET = re.compile(
    r"(?:.*_)?"
    r"(?:[A-Z0-9]*(?:TOKEN|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE|CREDENTIALS?)|(?:API|ACCESS|PRIVATE|SECRET)_?KEY)"
    r"(?P<more>_.*)?",
    re.IGNORECASE,
)
"""Names of variables that hold a secret: they contain one of these words, as in PGPASSWORD, but not MAX_TOKENS."""

STILL_THE_SECRET = re.compile(r"(?:_KEY)?(?:_?[0-9]+)?", re.IGNORECASE)
"""Suffixes of such a name if it is the secret itself and not a measure of it, such as TOKEN_LIMIT."""

SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off", "0", "1"})


class TooShort(Exception):
    """A job would see a secret too short to be hidden in its output. The message may be shown in public.

    `to_do` is for the operator and names the variable.
    """

    def __init__(self, name: str) -> None:
        super().__init__("a variable that the job sees holds a secret too short to be hidden")
        self.to_do = (
            f"{name} has fewer than {SHORTEST_SECRET} characters: too few to be kept out of the output; make the "
            "secret longer, or rename the variable if it is none"
        )


def hidden_values(seen: Mapping[str, str]) -> Sequence[str]:
    """The values of *seen*, a job's variables by name, that are long enough to hide: shorter ones occur everywhere.

    Raises:
        TooShort: a shorter one is a secret by its name, and neither a switch nor a number that measures one.
    """
    short = {name for name, value in seen.items() if len(value.strip()) < SHORTEST_SECRET}
    for name in sorted(short):
        if _is_secret(name, seen[name].strip()):
            raise TooShort(name)
    return [value for name, value in seen.items() if name not in short]


def _is_secret(name: str, value: str) -> bool:
    called = CALLED_SECRET.fullmatch(name)
    if not called or not value or value.lower() in SWITCHES:
        return False
    return not value.isdecimal() or STILL_THE_SECRET.fullmatch(called["more"] or "") is not None
