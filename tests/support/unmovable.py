"""Makes folders that cannot be moved: a mount point, another user's, one on a failing disk."""

from pathlib import Path

import pytest


class Unmovable:
    """Makes every rename of the folders *names* fail with errno *number*, without asking the kernel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, *names: str) -> None:
        self.names = set(names)
        rename = Path.rename

        def moved(path: Path, to: Path) -> Path:
            if path.name in self.names:
                raise OSError(number, "cannot be moved", str(path))
            return rename(path, to)

        monkeypatch.setattr(Path, "rename", moved)
