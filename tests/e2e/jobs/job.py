"""A job for tests: writes its processes to $E2E_FOLDER/NAME, and ends with the exit code written to `go`.

One of its processes has forked twice and has its own session: ending only the command or its group would miss it.
"""

import os
import sys
import time
from pathlib import Path

folder = Path(os.environ["E2E_FOLDER"], sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        (folder / f"{os.getpid()}.pid").touch()
        time.sleep(300)
    os._exit(0)
os.wait()
(folder / f"{os.getpid()}.pid").touch()
with (folder / "executions").open("a", encoding="utf-8") as executions:
    executions.write(f"{os.getpid()}\n")
print(f"{sys.argv[1]} is at work", flush=True)  # noqa: T201  # the output of a job
while not (told := folder / "go").exists():
    time.sleep(0.05)
sys.exit(int(told.read_text(encoding="utf-8")))
