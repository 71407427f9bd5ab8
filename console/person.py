"""Who sits at this shell."""

import getpass
import os


def os_user() -> str:
    """The name of the operating system's user, as the environment has it: for colleagues to read, no authentication."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"
