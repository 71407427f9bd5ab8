"""The values of a job's variables that nobody reads in what it shows."""

import re
from collections.abc import Mapping, Sequence

from domain.summary import SHORTEST_SECRET

CALLED_SECRET = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(?:API|ACCESS|PRIVATE)_?KEY", re.IGNORECASE)
"""What is in the name of a variable that holds a secret."""


class TooShort(Exception):
    """A job would see a secret that nothing could keep out of its output. The message may be shown to anybody."""


def hidden_values(seen: Mapping[str, str]) -> Sequence[str]:
    """The values of *seen*, a job's variables by name, that are long enough: a shorter one, such as 1, is everywhere.

    Raises:
        TooShort: a shorter one is a secret, to go by its name.
    """
    short = {name for name, value in seen.items() if len(value.strip()) < SHORTEST_SECRET}
    for name in sorted(short):
        if seen[name].strip() and CALLED_SECRET.search(name):
            raise TooShort(
                f"{name} has fewer than {SHORTEST_SECRET} characters: too few to be kept out of the output; make the "
                "secret longer, or rename the variable if it is none"
            )
    return [value for name, value in seen.items() if name not in short]
