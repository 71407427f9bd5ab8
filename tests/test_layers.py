"""The layers and rooms: imports point down, and no module name of ours shadows another package's."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "settings": {"domain"},
    "github_api": {"domain"},
    "storage": {"domain"},
    "tasks": {"domain", "github_api", "storage", "settings"},
    "flows": {"domain", "tasks", "settings"},
}
ROOM_MAY_IMPORT: dict[str, set[str]] = {
    "delivery": set(),
    "process": set(),
    "output": {"process"},
    "git": {"delivery", "output", "process"},
    "jobs": {"delivery", "git", "output", "process"},
    "operations": {"delivery", "git", "jobs", "output", "process"},
    "runs": {"delivery", "git", "jobs", "operations", "output", "process"},
}
"""Rooms are the folders of a layer, the same in each. All may use the modules beside them in their layer."""

TOPS = {"benchmarks", "cli", "console", "demo", "fake_github", "local"}  # no layer imports one
OURS = MAY_IMPORT.keys() | TOPS

NOT_HERE: dict[str, set[str]] = {
    "domain": {
        "asyncio",
        "httpx",
        "os",
        "pathlib",
        "prefect",
        "random",
        "secrets",
        "socket",
        "sqlalchemy",
        "sqlmodel",
        "time",
    },
    "github_api": {"prefect", "sqlalchemy", "sqlmodel"},
    "storage": {"httpx", "prefect"},
    "flows": {"httpx", "sqlalchemy", "sqlmodel"},
    "fake_github": OURS - {"fake_github"},  # what checks the client must not share its mistakes
}
MOST_MODULES = 16
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "open"}


def sources(name: str) -> list[Path]:
    return [ROOT / f"{name}.py"] if (ROOT / f"{name}.py").exists() else sorted((ROOT / name).rglob("*.py"))


def nodes(name: str) -> Iterator[ast.AST]:
    for path in sources(name):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def imported_modules(path: Path) -> Iterator[str]:
    """All modules that *path* imports, with their packages; also what may be a name in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_names(name: str) -> set[str]:
    """The top-level modules that *name* imports, at any place in its code."""
    found: set[str] = set()
    for node in nodes(name):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_name_of_the_map_exists(name: str) -> None:
    assert sources(name)


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_imports_point_down(layer: str) -> None:
    assert imported_names(layer) & OURS <= MAY_IMPORT[layer] | {layer}


@pytest.mark.parametrize("room", ROOM_MAY_IMPORT)
def test_each_room_imports_only_the_rooms_below_it(room: str) -> None:
    files = [
        path for layer in MAY_IMPORT for path in sources(layer) if room in path.relative_to(ROOT).parent.parts[-2:]
    ]
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in files
        for module in imported_modules(path)
        if module.split(".")[0] in MAY_IMPORT
        and (named := set(module.split(".")[1:]) & ROOM_MAY_IMPORT.keys())
        and not named <= ROOM_MAY_IMPORT[room] | {room}
    ]
    assert files
    assert wrong == []


@pytest.mark.parametrize("layer", NOT_HERE)
def test_each_layer_uses_only_its_own_libraries(layer: str) -> None:
    assert not imported_names(layer) & NOT_HERE[layer]


def test_the_domain_is_pure() -> None:
    calls = (node.func for node in nodes("domain") if isinstance(node, ast.Call))
    named = {
        call.attr if isinstance(call, ast.Attribute) else call.id
        for call in calls
        if isinstance(call, ast.Attribute | ast.Name)
    }
    assert not named & IMPURE_CALLS


def test_no_installed_package_owns_one_of_our_names() -> None:
    # PyGithub, for one, installs `github`.
    others = {name for name, owners in packages_distributions().items() if set(owners) - {"reportback"}}
    assert not OURS & others


def test_no_module_beside_a_flow_shadows_another() -> None:
    # Prefect's file loader puts the folder of a flow first on sys.path: flows/queue.py would shadow `queue` for all.
    taken = sys.stdlib_module_names | packages_distributions().keys() | OURS
    assert not {path.stem for path in (ROOT / "flows").glob("*.py")} & taken


def test_no_folder_has_more_modules_than_one_sees_at_a_glance() -> None:
    folders = Counter(path.parent for name in (*OURS, "tests") for path in sources(name))
    full = {str(folder.relative_to(ROOT)): count for folder, count in folders.items() if count > MOST_MODULES}
    assert full.keys() == {"tests/support"}
