"""What a repository's documentation needs of Python's packages, by its conf.py and its pyproject.toml."""

import ast
import re
import tomllib
from collections.abc import Callable, Sequence

Read = Callable[[str], str]
"""The text of a file of the commit, by its path."""

GROUPS = ("docs", "doc", "documentation")
"""Names of the extra or the dependency group for documentation."""

BUILT_IN = {
    "sphinx", "alabaster", "classic", "sphinxdoc", "scrolls", "agogo", "traditional", "nature", "haiku", "pyramid",
    "bizstyle", "basic", "epub", "default",
}  # fmt: skip
"""Sphinx's own themes, and the package of its own extensions."""


def all_needs(needs: Sequence[str], paths: Sequence[str], read: Read) -> list[str]:
    """*needs*, and the package itself with its extra for documentation, or with what its dependency group lists.

    https://packaging.python.org/en/latest/specifications/dependency-groups/
    """
    declared = read_toml(read("pyproject.toml")) if "pyproject.toml" in paths else {}
    project, groups = _table(declared, "project"), _table(declared, "dependency-groups")
    extra = next((name for name in GROUPS if name in _table(project, "optional-dependencies")), None)
    listed = next((groups[name] for name in GROUPS if name in groups), None)
    group = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    if extra is None and not group:
        return list(needs)
    others = [one for one in needs if one != project.get("name")]  # pip refuses a package that is asked for twice
    if extra is not None:
        return [*others, f".[{extra}]"]
    return [*others, *(["."] if project else []), *group]


def _table(of: dict[str, object], name: str) -> dict[str, object]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def imported_by(conf: str) -> list[str]:
    """The packages of the theme and the extensions that a conf.py names, as they are usually called."""
    try:
        assigned = [node for node in ast.parse(conf).body if isinstance(node, ast.Assign)]
    except (SyntaxError, ValueError):
        return []
    named = [
        constant.value
        for node in assigned
        if {"extensions", "html_theme"} & {target.id for target in node.targets if isinstance(target, ast.Name)}
        for constant in ast.walk(node.value)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    ]
    packages = dict.fromkeys(_package(name) for name in named)
    return [name for name in packages if name not in BUILT_IN and re.fullmatch(r"[a-z][a-z0-9-]*", name)]


def _package(name: str) -> str:
    """The package that has a theme or an extension: sphinxcontrib is the folder of many."""
    parts = name.split(".")
    return "-".join(parts[: 2 if parts[0] == "sphinxcontrib" else 1]).replace("_", "-")


def read_toml(text: str) -> dict[str, object]:
    """The document *text*; empty if it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}
