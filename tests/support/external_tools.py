"""Programs from outside that tests of the environment run. Where one is missing, a test fails and names its package."""

import shutil

PACKAGES = {
    "git-lfs": "git-lfs",
    "pgbouncer": "pgbouncer",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-pushgateway": "prometheus-pushgateway",
    "systemd-analyze": "systemd",
}
"""Debian's, by the program."""


def tool(name: str) -> str:
    """The path of the program *name*."""
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install {PACKAGES[name]}"
    return found
