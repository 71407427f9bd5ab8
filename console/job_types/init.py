"""The command `reportback init`: writes a first jobs.toml for a repository, and tries it."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from console.arguments import Folder
from console.job_types.found_tools import LOOKED_FOR, Found, as_toml, found_tools, own_command
from console.job_types.run_type import run_here
from console.terminal import plain, results, say
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import parse_job_types
from local.repository import JOBS_FILE, Repository, repository_at


async def init(
    *,
    repo: Folder = Path(),
    command: Annotated[str | None, Parameter(metavar="COMMAND")] = None,
    writes_only: Annotated[bool, Parameter(name="--no-run")] = False,
) -> int:
    """Write a first jobs.toml for a repository, by the tools found in its latest commit, and run its first job type.

    It knows Sphinx, MkDocs, Docusaurus, Hugo, mdBook and npm scripts. The job runs on this machine, in a copy; nothing
    is reported.

    Args:
        repo: The repository, a folder of this machine.
        command: What to run, instead of what is found, such as "make html".
        writes_only: Only write the file.

    Raises:
        ValueError: there is a jobs.toml, or no tool was found.
    """
    repository = repository_at(repo)
    file = repository.folder / JOBS_FILE
    if file.exists():
        raise ValueError(f"{file} is there already: `reportback jobs check {shlex.quote(str(file))}` checks it")
    tools = _tools(repository, command)
    text = as_toml(tools)
    types = parse_job_types(text, str(file))
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{file} cannot be written: {error.strerror}") from None
    for tool in tools:
        found = f"by {tool.file}" if tool.file else "as named"
        results().print(plain(f"{tool.name}: {found}, runs `{shlex.join(tool.command)}`"), soft_wrap=True)
    results().print(plain(f"Written: {file}"), soft_wrap=True)
    return 0 if writes_only else await _try(types[tools[0].name], repository, file)


def _tools(repository: Repository, command: str | None) -> list[Found]:
    if command is not None:
        if not (words := _words(command)):
            raise ValueError("--command is empty: name what builds the documentation, such as --command 'make html'")
        return [own_command(words)]
    tools = found_tools(repository.files(), repository.text)
    if not tools:
        raise ValueError(
            f"no documentation tool was found in the latest commit of {repository.folder}; looked for {LOOKED_FOR}. "
            "Name the command: `reportback init --command 'make html'`"
        )
    return tools


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ValueError(f"--command cannot be read: {error}") from None


async def _try(job_type: JobType, repository: Repository, file: Path) -> int:
    """Run *job_type* once; says what to do next."""
    say("Trying it once:")
    code = await run_here(job_type, {}, repository)
    where = shlex.quote(str(repository.folder))
    if code == 0:
        say(f"Next, from Reportback's checkout: `make up REPO={where}` runs it for a commit, and shows it there.")
    else:
        say(f"Correct {file}, then try again: `reportback jobs run {job_type.name} --repo {where}`")
    return code
