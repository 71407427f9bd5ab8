"""Supervises a command, as `tasks/process/supervisor.py` says. Imports little: each command waits for it."""

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself imports enum, in more time than all of this
import os
import resource
import select
import time
import warnings  # noqa: F401  # `os.execvp` imports it, and a job user may not read our Python

from tasks.process.kernel import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    descendants,
    drop_capabilities,
    prctl,
    processes,
)

STDERR = 2
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_EVERY = 0.02
"""Seconds between two checks for live processes."""
TOO_MANY = "too many processes"
COUNT_AGAIN = 0.25
"""Seconds between two counts of the processes, where there is a limit."""
THREADS = 16
"""Average threads per process of a job user; 1,000 are added."""
OOM_SCORE_RAISE = 500
"""Added to oom_score_adj, of 1,000: https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html"""
RESOURCES = {"memory": resource.RLIMIT_DATA, "file_size": resource.RLIMIT_FSIZE}


def supervise(flow: int, grace: float, limits: dict[str, int], user: tuple[int, int] | None, command: list[str]) -> int:
    """Run *command* until it ends or is to be ended. Returns the exit code to end with."""
    _keep_descriptors()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_DUMPABLE, 0)  # its environment is the command's, which may hold a token; a descendant cannot read it
    signals: list[int] = []
    woken = _wake_on_signals(signals)
    try:
        child = _start(command, limits, user)
    except OSError as error:
        _write_result(flow, f"cannot start {error.errno}")
        return 127
    exits: dict[int, int] = {}
    result = _wait(flow, woken, child, exits, signals, most=limits.get("processes"))
    _write_result(flow, result)
    _end_all(0 if result == TOO_MANY else grace, exits, user)
    code = exits[child]
    return code if code >= 0 else 128 - code


def _keep_descriptors() -> None:
    """Keep the command from inheriting descriptors other than input and output."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            if fd > STDERR:
                os.set_inheritable(fd, False)
        except OSError:
            pass  # the descriptor of the listing itself


def _start(command: list[str], limits: dict[str, int], user: tuple[int, int] | None) -> int:
    """Start *command* in a session of its own; returns its pid. Raises OSError: it could not be started."""
    failed, fails = os.pipe()  # closed by the start of a program
    child = os.fork()
    if child == 0:
        try:
            _exec(command, limits, user)
        except OSError as error:
            os.write(fails, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(fails)
    number = os.read(failed, 16)
    os.close(failed)
    if number:
        os.waitpid(child, 0)
        raise OSError(int(number), os.strerror(int(number)))
    return child


def _exec(command: list[str], limits: dict[str, int], user: tuple[int, int] | None) -> None:
    os.setsid()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, and what is ignored stays so in a new program
    for name in RESOURCES.keys() & limits.keys():
        _bound(RESOURCES[name], limits[name])
    _raise_oom_score()
    if user:
        if "processes" in limits:
            _bound(resource.RLIMIT_NPROC, limits["processes"] * THREADS + 1000)
        _switch(*user)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a supervisor that is killed ends nothing any more; a switch clears it
    os.execvp(command[0], command)  # noqa: S606  # no shell: the operator's jobs.toml names the command


def _bound(what: int, bound: int) -> None:
    _, most = resource.getrlimit(what)
    bound = bound if most == resource.RLIM_INFINITY else min(bound, most)
    resource.setrlimit(what, (bound, bound))


def _raise_oom_score() -> None:
    """Have the kernel kill this process, before supervisor and flow, where memory runs out."""
    prctl(PR_SET_DUMPABLE, 1)  # as the supervisor's child this is not, and its /proc is root's; a new program is
    try:
        with open("/proc/self/oom_score_adj") as own:
            score = int(own.read())
        with open("/proc/self/oom_score_adj", "w") as own:
            own.write(str(min(1000, score + OOM_SCORE_RAISE)))
    except OSError:
        pass  # where /proc cannot be written to


def _switch(uid: int, gid: int) -> None:
    for output in (1, 2):
        os.fchown(output, uid, gid)  # else it could write there, but not open /dev/stderr
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    drop_capabilities()  # the kernel does it only where root switches
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def _wake_on_signals(signals: list[int]) -> int:
    """A descriptor that becomes readable with every signal; those that mean "stop" are noted in *signals*."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for stop in STOPS:
        signal.signal(stop, lambda number, _: signals.append(number))
    return woken


def _wait(flow: int, woken: int, child: int, exits: dict[int, int], signals: list[int], *, most: int | None) -> str:
    """Wait until the command ends or is to be ended, reaping orphans meanwhile. Returns the line for FD."""
    poll = select.poll()
    poll.register(flow, select.POLLIN)
    poll.register(woken, select.POLLIN)
    is_released = False
    while _collect(exits) and child not in exits:  # once more after the flow closed FD: the command may have ended
        if is_released or signals:
            return "" if is_released else f"signal {signals[0]}"
        is_released = flow in [fd for fd, _ in poll.poll(None if most is None else COUNT_AGAIN * 1000)]
        try:
            os.read(woken, 4096)
        except BlockingIOError:
            pass
        if most is not None and _more_than(most):
            return TOO_MANY
    return f"exit {exits[child]}" if exits[child] >= 0 else f"signal {-exits[child]}"


def _limits(text: str) -> dict[str, int]:
    return {name: int(most) for name, _, most in (limit.partition("=") for limit in filter(None, text.split(",")))}


def _user(text: str) -> tuple[int, int] | None:
    uid, _, gid = text.partition(":")
    return (int(uid), int(gid)) if text else None


def _end_all(grace: float, exits: dict[int, int], user: tuple[int, int] | None) -> None:
    if _collect(exits):
        _signal_all(signal.SIGTERM)
    deadline = time.monotonic() + grace
    while _collect(exits):
        if time.monotonic() >= deadline and not (user and _kill_all_of(*user)):
            _signal_all(signal.SIGKILL)  # repeatedly: a missed process forks, or becomes our child, meanwhile
        time.sleep(POLL_EVERY)


def _kill_all_of(uid: int, gid: int) -> bool:
    """Send SIGKILL to every process of the user at once. False: the process limit is reached."""
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        try:
            _switch(uid, gid)
            os.kill(-1, signal.SIGKILL)  # to all that it may: https://man7.org/linux/man-pages/man2/kill.2.html
        finally:
            os._exit(0)
    return True


def _collect(exits: dict[int, int]) -> bool:
    """Reap ended children. False: no process of the job is left."""
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
            exits.setdefault(pid, os.waitstatus_to_exitcode(status))  # the first: a pid may be reused
    except ChildProcessError:
        return False


def _signal_all(number: int) -> None:
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # over meanwhile; another user's now


def _more_than(most: int) -> bool:
    """Whether there are more descendants. Skips reading parents where the whole machine has no more processes."""
    return len(processes()) > most and len(descendants(os.getpid())) > most


def _write_result(flow: int, result: str) -> None:
    try:
        os.write(flow, f"{result}\n".encode())
    except OSError:
        pass  # the flow may be gone


def main(flow: str, grace: str, limits: str, user: str, *command: str) -> int:
    """Supervise *command*, with the arguments of `tasks/process/supervisor.py`; returns the exit code."""
    return supervise(int(flow), float(grace), _limits(limits), _user(user), list(command))
