"""Collects what a job's command said of places in files, and chooses what is annotated."""

import logging
import os
import stat
from collections.abc import Sequence
from datetime import timedelta
from errno import EIO, ELOOP
from functools import partial
from pathlib import Path

from domain.output.annotations import annotations_of
from domain.output.findings import MOST, Finding
from domain.output.sarif import BadSarif, findings_in
from github_api.apps import CHECKOUT
from tasks.delivery.reporter import Reporter
from tasks.git.checkout import CheckoutFailed
from tasks.git.commit_files import Paths
from tasks.jobs.execution_spec import Found, Work, token_of
from tasks.jobs.locate_findings import located
from tasks.jobs.run_commands import BuildEnvironment, Ran
from tasks.jobs.working_folder import SHORT_SHA, compared, is_comparable
from tasks.process.background import Stop, run_in_background
from tasks.process.disk_space import NoSpace

LOOKING = timedelta(seconds=10)
"""How long the files are searched for what the findings are about."""
COMPARING = timedelta(seconds=15)
"""How long the comparison with an earlier commit may take that only decides what is annotated first."""
LARGEST = 8 * 2**20
"""Bytes of a SARIF file that is read."""

logger = logging.getLogger("reportback.jobs")


async def collect_findings(reporter: Reporter, work: Work, environment: BuildEnvironment, ran: Ran) -> Found:
    """What the command said, and what it wrote as SARIF, of places in files; its words and paths are made public."""
    if not (ran.parsed.findings or work.job_type.findings):
        return Found()
    reading = partial(_read, ran.parsed.findings, environment.copy, work.job_type.findings)
    try:
        read, problems = await run_in_background(reading, longest=LOOKING)
    except TimeoutError:  # a disk that does not answer
        return Found()
    for problem in problems:
        environment.say(problem)
    findings, files = tuple(map(environment.public_finding, read)), environment.files
    most, named = work.job_type.annotations, {one.path for one in findings}
    in_commit = files.paths.among(named)
    if sum(one.path in in_commit for one in findings) > most > 0 and files.changed is None:
        files.changed = await _changed(reporter, work)
    changed = files.changed.among(named) if files.changed else frozenset()
    choose = partial(annotations_of, findings, in_commit=in_commit, changed=changed)
    annotations, rest = choose(most=most)
    _, ordered = choose(most=0)
    return Found(findings, annotations, rest, ordered)


async def _changed(reporter: Reporter, work: Work) -> Paths | None:
    """What differs from the commit that the job's is compared with; None: nothing is compared, or it failed."""
    if not is_comparable(work) or work.order.target is None:
        return None
    try:
        token = await token_of(reporter, work.order.credential, work.order.target.repository, CHECKOUT)
        return Paths(await compared(work, token, longest=COMPARING))
    except (CheckoutFailed, NoSpace) as error:
        logger.info("not compared with %s to annotate what has changed first: %s", work.since[:SHORT_SHA], error)
        return None


def _read(
    printed: Sequence[Finding], copy: Path, paths: Sequence[str], stop: Stop
) -> tuple[tuple[Finding, ...], list[str]]:
    """The findings in SARIF files and what was *printed*, with their places in *copy*; and why a file is not used."""
    written, problems = list[Finding](), list[str]()
    for path in paths:
        try:
            written += findings_in(_content(copy, path))
        except BadSarif as error:
            problems.append(f"findings: {path} is not used: {error}")
    return located((*written[:MOST], *printed), copy, stop), problems


def _content(copy: Path, path: str) -> bytes:
    """The content of a file in *copy*, in which nothing of the job runs any more. Raises BadSarif: there is none."""
    try:
        file = (copy / path).resolve(strict=True)
        if not file.is_relative_to(copy.resolve()):
            raise BadSarif("it is not in the working copy")
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            about = os.fstat(opened.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadSarif("it is no file")
            if about.st_size > LARGEST:
                raise BadSarif(f"it is larger than {LARGEST >> 20} MiB")
            return opened.read(LARGEST)
    except RuntimeError:  # up to Python 3.12
        raise BadSarif(os.strerror(ELOOP).lower()) from None
    except OSError as error:
        raise BadSarif(os.strerror(error.errno or EIO).lower()) from None
