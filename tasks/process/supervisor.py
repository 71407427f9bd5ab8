"""Supervises a command: none of its processes outlives it, or the flow that started it, however that flow ends.

    python -I -S supervisor.py FD GRACE LIMITS USER COMMAND [ARGUMENT …]

FD is one end of a socket pair; only the flow has the other end. Any event on it, above all end of file, means: end
everything now. The kernel closes it when the flow is killed. A SIGTERM to the supervisor means the same. When the
command has ended by itself, its remaining processes are ended in the same way: SIGTERM, after GRACE seconds SIGKILL,
until none is left. Then the supervisor ends, with the exit code that a shell would show.

As soon as the command has ended, before its remaining processes are, the supervisor writes one line to FD: "exit 3",
"signal 9", "cannot start 2" with an errno, "too many processes", or the signal that stopped the supervisor. The line
is empty if the flow ended everything before.

LIMITS, such as "memory=1000000,processes=64", or empty: `memory` (RLIMIT_DATA) and `file_size` (RLIMIT_FSIZE) in
bytes apply to each process of the command; RLIMIT_AS would not do, for runtimes reserve addresses by the terabyte and
use little. `processes` is how many it may have at once, counted here: RLIMIT_NPROC counts the threads of everything
that a user runs, the flow included, and does not bind root. A command with more is killed without grace. With USER
that limit is set as well, to many threads for each process, so that the kernel refuses what forks faster than it is
counted. Where the machine runs out of memory, the kernel kills the command before supervisor and flow.

USER, such as "70000:70000", or empty: the command runs as this user and this group alone, without any of our rights
and cannot gain any (`no_new_privs`: a setuid program such as crontab would start processes outside of the
supervisor). The supervisor keeps its own user, so that the command can neither end nor read it. It keeps the
descriptors it was given, such as a lock on the user, until everything has ended; the command gets none of them. All
processes of the user that are left at the end are killed by one call that no fork escapes: one job has USER
exclusively.

The supervisor is a subreaper: orphans of the job become its children and are found, also those that forked twice and
have a session of their own; without children, no process of the job is left. The command gets a session of its own, so
that `kill 0` in a script does not hit the supervisor. Linux only.

Every command of a job waits for this start, so it is short: the standard library only, and of that neither pathlib nor
contextlib nor what imports enum. What it does is in `supervision.py`, as Python compiles a script anew each time.
"""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # -I leaves it out

from tasks.process.supervision import main

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
