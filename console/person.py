"""Names the operating-system user of this shell."""

import getpass
import os


def os_user() -> str:
    """The operating-system user, from the environment: information for colleagues, no authentication."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"
