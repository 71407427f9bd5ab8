"""Recognises the documentation tools of a repository by its files, and declares a job type for each."""

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.job_types.python_needs import Read, all_needs, imported_by, read_toml

PIP_ENV = ("HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE")
NODE_ENV = ("HTTPS_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_REGISTRY")
PYTHON = ".venv/bin/python"

REQUIREMENTS = ("requirements-docs.txt", "docs-requirements.txt", "requirements/docs.txt", "requirements.txt")
"""Where a repository declares what its documentation needs, after the requirements.txt beside its sources."""
DOCS_SCRIPTS = ("docs:build", "build:docs", "build-docs", "docs", "typedoc", "build")
"""Names of npm scripts that build documentation, the likeliest first."""
LOOKED_FOR = (
    "docusaurus.config.js, mkdocs.yml, book.toml, hugo.toml, a conf.py of Sphinx, "
    f"and a package.json with one of the scripts {', '.join(DOCS_SCRIPTS)}"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A preparation: a command, or a script for `sh`, and what of it is kept for the next job."""

    command: tuple[str, ...]
    paths: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A tool, the file by which it was recognised, and how a job runs it."""

    name: str
    file: str
    command: tuple[str, ...]
    output: str = ""
    recognise: str = ""
    env: tuple[str, ...] = ()
    prepare: Step | None = None


def found_tools(paths: Sequence[str], read: Read) -> list[Found]:
    """The tools of a commit with the files *paths*, at most one of each kind; npm scripts only if there is no other."""
    nearest = sorted(paths, key=lambda path: (path.count("/"), path))
    tools = [one for kind in (_docusaurus, _mkdocs, _mdbook, _hugo, _sphinx) for one in [*kind(nearest, read)][:1]]
    return tools or [*_npm(nearest, read)][:1]


def own_command(words: Sequence[str]) -> Found:
    """A job type for a command that a person named."""
    return Found("docs", "", tuple(words))


def _sphinx(paths: Sequence[str], read: Read) -> Iterator[Found]:
    for file in _named(paths, "conf.py"):
        text, folder = read(file), posixpath.dirname(file) or "."
        if not re.search(r"^(extensions|html_theme|master_doc|root_doc)\s*=|sphinx", text, re.MULTILINE):
            continue
        command = (PYTHON, "-m", "sphinx", "-b", "html", folder, "build/site")
        needs = ("sphinx", *imported_by(text))
        yield Found("sphinx", file, command, "build/site", "sphinx", PIP_ENV, _venv(paths, read, folder, needs))


def _mkdocs(paths: Sequence[str], read: Read) -> Iterator[Found]:
    for file in _named(paths, "mkdocs.yml", "mkdocs.yaml"):
        text, folder = read(file), posixpath.dirname(file)
        given = re.search(r"^site_dir:\s*['\"]?([\w./-]+)", text, re.MULTILINE)
        output = posixpath.normpath(posixpath.join(folder, given[1] if given else "site"))
        needs = ("mkdocs-material",) if re.search(r"\bname:\s*['\"]?material\b", text) else ("mkdocs",)
        command = (PYTHON, "-m", "mkdocs", "build", "--config-file", file)
        yield Found("mkdocs", file, command, output, "mkdocs", PIP_ENV, _venv(paths, read, folder, needs))


def _docusaurus(paths: Sequence[str], _read: Read) -> Iterator[Found]:
    for file in _named(paths, *(f"docusaurus.config.{end}" for end in ("js", "ts", "mjs", "cjs"))):
        folder = posixpath.dirname(file)
        runs, step = _node(paths, folder)
        output = posixpath.join(folder, "build")
        yield Found("docusaurus", file, (*runs, "build"), output, "docusaurus", NODE_ENV, step)


def _hugo(paths: Sequence[str], read: Read) -> Iterator[Found]:
    ends = ("toml", "yaml", "yml", "json")
    for file in _named(paths, *(f"{name}.{end}" for name in ("hugo", "config") for end in ends)):
        folder = posixpath.dirname(file)
        if posixpath.basename(file).startswith("hugo.") or "baseurl" in read(file).lower():
            command = ("hugo", "--source", folder or ".")
            yield Found("hugo", file, command, posixpath.join(folder, "public"), "hugo")


def _mdbook(paths: Sequence[str], read: Read) -> Iterator[Found]:
    for file in _named(paths, "book.toml"):
        folder = posixpath.dirname(file)
        build = read_toml(read(file)).get("build")
        place = build.get("build-dir", "book") if isinstance(build, dict) else "book"
        output = posixpath.normpath(posixpath.join(folder, str(place)))
        yield Found("mdbook", file, ("mdbook", "build", folder or "."), output, "mdbook")


def _npm(paths: Sequence[str], read: Read) -> Iterator[Found]:
    for file in _named(paths, "package.json"):
        scripts = _json(read(file)).get("scripts")
        script = next((name for name in DOCS_SCRIPTS if isinstance(scripts, dict) and name in scripts), None)
        if script:
            runs, step = _node(paths, posixpath.dirname(file))
            yield Found("npm", file, (*runs, script), "", "", NODE_ENV, step)


def _node(paths: Sequence[str], folder: str) -> tuple[tuple[str, ...], Step]:
    """How a script of the package in *folder* is run, and how what it needs is installed."""
    locks = {
        "pnpm-lock.yaml": (("pnpm", "--dir"), ("install", "--frozen-lockfile")),
        "yarn.lock": (("yarn", "--cwd"), ("install", "--frozen-lockfile")),
        "package-lock.json": (("npm", "--prefix"), ("ci", "--no-audit", "--no-fund")),
    }
    for lock, ((program, switch), words) in locks.items():
        if (key := posixpath.join(folder, lock)) in paths:
            start = (program, switch, folder) if folder else (program,)
            return (*start, "run"), Step((*start, *words), (posixpath.join(folder, "node_modules"),), (key,))
    start = ("npm", "--prefix", folder) if folder else ("npm",)
    return (*start, "run"), Step((*start, "install", "--no-audit", "--no-fund"))


def _venv(paths: Sequence[str], read: Read, folder: str, needs: Sequence[str]) -> Step:
    """An environment of the job's own, with the requirements of a file, or else with `all_needs`."""
    near = [posixpath.normpath(posixpath.join(folder, "requirements.txt"))]
    above = [posixpath.join(posixpath.dirname(folder), "requirements.txt")] if folder else []
    candidates = [path for path in (*near, *above, *REQUIREMENTS) if path in paths]
    tool = needs[0].partition("-")[0]
    file = next((path for path in candidates if tool in read(path).lower()), None)
    what = f"--requirement {file}" if file else shlex.join(all_needs(needs, paths, read))
    script = f"python -m venv .venv\n{PYTHON} -m pip install --quiet --disable-pip-version-check {what}\n"
    return Step(("sh", "-ec", script), (".venv",), (file,)) if file else Step(("sh", "-ec", script))


def _named(paths: Sequence[str], *names: str) -> Iterator[str]:
    return (path for path in paths if posixpath.basename(path) in names)


def _json(text: str) -> dict[str, object]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def as_toml(tools: Sequence[Found]) -> str:
    """A jobs.toml that declares a job type for each of *tools*."""
    head = "# Written by `reportback init`; docs/job-types.md describes every field.\nversion = 1\n"
    return "\n".join([head, *map(_declared, tools)])


def _declared(tool: Found) -> str:
    why = f"Build the documentation, by {tool.file}." if tool.file else "Build the documentation."
    lines = [f"[jobs.{tool.name}]", f"description = {_text(why)}", f"command = {_list(tool.command)}"]
    lines.append('timeout = "15m"')
    lines += [f"env = {_list(tool.env)}"] if tool.env else []
    lines += [f"recognise = {_list([tool.recognise])}"] if tool.recognise else []
    lines += [f"output = {_text(tool.output)}"] if tool.output else []
    if step := tool.prepare:
        lines += ["", f"[[jobs.{tool.name}.prepare]]", f"command = {_script(step.command)}", 'timeout = "15m"']
        lines += [f"cache = {{ paths = {_list(step.paths)}, key = {_list(step.key)} }}"] if step.key else []
    return "\n".join(lines) + "\n"


def _script(command: Sequence[str]) -> str:
    """*command*, a script of several lines as such."""
    *words, last = command
    if "\n" not in last:
        return _list(command)
    text = last.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'[{", ".join(map(_text, words))}, """\n{text}"""]'


def _list(words: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, words))}]"


def _text(word: str) -> str:
    """*word* as TOML: its basic strings have JSON's escapes."""
    return json.dumps(word, ensure_ascii=False).replace("\x7f", "\\u007f")
