"""docs/architecture.md shows the code as it is: every module in its room, and every step of a report's way."""

import importlib
import re
from pathlib import Path

import pytest
from documents import ARCHITECTURE, section, table
from processes import ROOT

STEP = re.compile(r"^\| (\d+) \| `([\w.]+)` \| `([\w.]+)` \|", re.MULTILINE)
STEPS = STEP.findall(section(ARCHITECTURE, "The way of one report"))


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below *heading*."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table(ARCHITECTURE, heading)]


def modules_in(folder: Path) -> list[str]:
    """The modules of a room, and of the folders in it as `folder.module`; of a layer only its own."""
    found = folder.glob("*.py") if folder.parent == ROOT else folder.rglob("*.py")
    names = (path.relative_to(folder).with_suffix("").parts for path in found)
    return sorted(".".join(name) for name in names if name[-1] != "__init__")


def test_every_module_stands_in_its_room_and_layer() -> None:
    (_, *layers), _, *rooms = rows("Layers and rooms")
    drawn = {
        (layer.strip("`/ "), "" if room == "ground floor" else room.strip("*")): re.findall(r"`([\w.]+)`", cell)
        for room, *cells in rooms
        for layer, cell in zip(layers, cells, strict=True)
    }
    names = {layer for layer, _ in drawn}
    there = {
        (layer, "" if folder == ROOT / layer else folder.name): modules
        for layer in names
        for folder in (ROOT / layer, *(ROOT / layer).iterdir())
        if folder.is_dir() and folder.name != "migrations" and (modules := modules_in(folder))
    }
    assert {place: modules for place, modules in drawn.items() if modules} == there


@pytest.mark.parametrize(("function", "caller"), [step[1:] for step in STEPS])
def test_a_step_of_a_reports_way_is_called_where_the_page_says(function: str, caller: str) -> None:
    module, _, name = function.rpartition(".")
    package, _, owner = module.rpartition(".")
    where = getattr(importlib.import_module(package), owner) if owner[0].isupper() else importlib.import_module(module)
    assert callable(getattr(where, name))
    source = (ROOT / f"{caller.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert re.search(rf"^(?!from |import ).*\b{name}\b", source, re.MULTILINE)


def test_the_way_of_a_report_has_all_its_steps() -> None:
    assert [int(number) for number, *_ in STEPS] == list(range(1, 13))
