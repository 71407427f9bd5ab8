"""Chooses which findings become annotations of lines in GitHub's pages, and lists the others in a table."""

from collections.abc import Collection, Container, Sequence

from domain.annotation import Annotation
from domain.markdown import code, literal, table, table_row
from domain.output.findings import Finding, Level
from domain.text import cut, cut_bytes

MOST = 50
"""Annotations that GitHub takes in one request: https://docs.github.com/rest/checks/runs#update-a-check-run"""
USUAL = 20
"""So many by default: floods drown what matters."""
MAX_MESSAGE = 64 * 2**10
"""Bytes of a message that GitHub takes, "64 KB"."""
MAX_TITLE = 255

WIDTH = 200
"""Characters shown of a message in the table."""
HEAD = ("Where", "Level", "Message")


def annotations_of(
    findings: Sequence[Finding], *, in_commit: Container[str], changed: Collection[str] = (), most: int = USUAL
) -> tuple[tuple[Annotation, ...], tuple[Finding, ...]]:
    """At most *most* annotations, and the findings that are none; each finding once, of which the first is kept.

    Only files *in_commit* are annotated. Findings in files that the commit has *changed* come first, then the worse
    ones, then those that were printed first; those that are left are in the same order. Their paths are relative to the
    repository; their words are shown as they are.
    """
    once = dict[tuple[str, int | None, str], Finding]()
    for one in findings:
        once.setdefault((one.path, one.line, one.message), one)
    ordered = sorted(once.values(), key=lambda one: (one.path not in changed, _badness(one.level)))
    fit = [one for one in ordered if one.line is not None and one.path and one.path in in_commit][:most]
    chosen = {id(one) for one in fit}
    return tuple(map(_annotation, fit)), tuple(one for one in ordered if id(one) not in chosen)


def findings_table(findings: Sequence[Finding], *, most: int) -> str:
    """*findings* as a table in Markdown, without links, of at most *most* bytes of UTF-8, which is what GitHub counts.

    It ends between two rows, and says how many more there are. Empty without findings, or where not even that fits.
    """
    rows, size = list[str](), len(table(HEAD, ()).encode())
    for one in findings:
        row = f"\n{table_row(_row(one))}"
        size += len(row.encode())
        if size + len(_more(len(findings) - len(rows) - 1)) > most:
            break
        rows.append(row)
    shown = "".join((table(HEAD, ()), *rows)) if rows else ""
    shown += _more(len(findings) - len(rows))
    return shown.lstrip() if len(shown) <= most else ""


def _badness(level: Level) -> int:
    return list(Level).index(level)


def _annotation(finding: Finding) -> Annotation:
    start = finding.line or 1
    end = max(start, finding.end_line or start)
    message = cut_bytes(finding.message or finding.title or finding.level.value, MAX_MESSAGE)
    return Annotation(finding.path, start, end, finding.level.value, message, cut(finding.title, MAX_TITLE))


def _row(finding: Finding) -> tuple[str, str, str]:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    said = f"{finding.title}: {finding.message}" if finding.title else finding.message
    return code(place), finding.level.value, literal(cut(said, WIDTH))


def _more(count: int) -> str:
    return f"\n\nAnd {count} more." if count else ""
