"""A job that prints all it can see (environment, git configuration, working copy), then waits for the file `go`."""

import os
import subprocess
import sys
import time
from pathlib import Path

name, code = sys.argv[1], int(sys.argv[2])
folder = Path(os.environ["CANARY_FOLDER"], name)
folder.mkdir(parents=True, exist_ok=True)
passed = os.environ.pop("CANARY_PASSED")  # what it may see, and says below
(folder / "environment").write_text("\n".join(f"{key}={value}" for key, value in os.environ.items()))
listed = subprocess.run(["git", "config", "--list", "--show-origin"], capture_output=True, text=True, check=False)
(folder / "git-config").write_text(f"{name} {Path.cwd()}\n{listed.stdout}{listed.stderr}")
print(*os.environ.items(), listed.stdout, sep="\n")  # noqa: T201  # the output of a job
for made in ("site/page.html", "docs/page.md"):
    Path(made).parent.mkdir(exist_ok=True)
    Path(made).write_text(f"{name} {os.environ['CANARY_MARKER']}")
(folder / "working-copy").write_text(str(Path.cwd()))
while not (folder / "go").exists():
    time.sleep(0.05)
print(f"{name}: {passed}", f"https://someone:{passed}@example.com/", f"x{passed}y", sep="\n")  # noqa: T201  # the same
print(f"Error: {name} could not log in with {passed}", flush=True)  # noqa: T201  # the same
sys.exit(code)
