"""Examples that install from package registries: `make examples`."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """On the disk, and gone afterwards: what is installed takes hundreds of megabytes."""
    with TemporaryDirectory(prefix="reportback-examples-") as folder:
        yield Path(folder)
