"""Which findings become annotations, in which order, and how the others are listed."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from domain.annotation import Annotation
from domain.output.annotations import MAX_MESSAGE, MAX_TITLE, annotations_of, findings_table
from domain.output.findings import Finding, Level

FILES = frozenset(("a.md", "b.md", "c.md"))


def finding(path: str = "a.md", line: int | None = 1, level: str = "warning", message: str = "said") -> Finding:
    return Finding(path, line, Level(level), message)


def chosen(findings: Sequence[Finding], changed: Sequence[str] = (), most: int = 20) -> list[str]:
    annotations, _ = annotations_of(findings, in_commit=FILES, changed=changed, most=most)
    return [f"{one.path}:{one.start_line} {one.level}" for one in annotations]


def test_changed_files_come_first_then_the_worse_then_the_order_of_the_output() -> None:
    findings = [
        finding("a.md", 9, "notice"), finding("a.md", 8), finding("b.md", 7), finding("a.md", 6, "failure"),
        finding("b.md", 5, "failure"), finding("a.md", 4), finding("b.md", 3, "notice"),
    ]  # fmt: skip
    in_b = ["b.md:5 failure", "b.md:7 warning", "b.md:3 notice"]
    in_a = ["a.md:6 failure", "a.md:8 warning", "a.md:4 warning", "a.md:9 notice"]
    assert chosen(findings, ["b.md", "other.md"]) == [*in_b, *in_a]
    assert chosen(findings, ["b.md"], most=4) == [*in_b, in_a[0]]
    without = ["a.md:6 failure", "b.md:5 failure", "a.md:8 warning", "b.md:7 warning", "a.md:4 warning"]
    assert chosen(findings)[:5] == without


def test_only_files_of_the_commit_are_annotated_and_nothing_is_lost() -> None:
    findings = [finding("build/x.md"), finding(""), finding("a.md", None), finding("b.md", 2), finding("c.md", 3)]
    annotations, rest = annotations_of(findings, in_commit=FILES, most=1)
    assert annotations == (Annotation("b.md", 2, 2, "warning", "said"),)
    assert rest == (*findings[:3], findings[4])


def test_the_same_warning_is_there_once_also_at_another_level() -> None:
    findings = [
        finding("a.md", 1),
        finding("a.md", 1, "failure"),
        finding("gone.md"),
        finding("gone.md"),
        finding("a.md", 2),
    ]
    annotations, rest = annotations_of(findings, in_commit=FILES)
    assert [one.start_line for one in annotations] == [1, 2]
    assert annotations[0].level == "warning"
    assert rest == (findings[2],)


def test_none_is_chosen_where_none_is_wanted() -> None:
    annotations, rest = annotations_of([finding()], in_commit=FILES, most=0)
    assert (annotations, rest) == ((), (finding(),))


def test_what_github_takes_of_a_text_is_cut_between_characters() -> None:
    long = Finding("a.md", 3, Level.NOTICE, "é" * MAX_MESSAGE, end_line=2, title="t" * 300)
    ((one,), _) = annotations_of([long], in_commit=FILES)
    assert len(one.message.encode()) <= MAX_MESSAGE
    assert set(one.message) == {"é", "…"}
    assert len(one.title) == MAX_TITLE
    assert (one.start_line, one.end_line) == (3, 3)
    ((empty,), _) = annotations_of([finding(message="")], in_commit=FILES)
    assert empty.message == "warning"  # GitHub requires one


findings_st = st.lists(
    st.builds(
        Finding, st.sampled_from(["a.md", "b.md", "x|`y.md", ""]), st.none() | st.integers(1, 9),
        st.sampled_from(Level), st.text(max_size=30),
    )
)  # fmt: skip


@given(findings_st, st.sets(st.sampled_from(["a.md", "b.md"])), st.integers(0, 50))
def test_each_finding_is_an_annotation_or_left_and_never_both(
    findings: list[Finding], changed: set[str], most: int
) -> None:
    annotations, rest = annotations_of(findings, in_commit=FILES, changed=changed, most=most)
    said = [(one.path, one.start_line) for one in annotations] + [(one.path, one.line) for one in rest]
    assert len(said) == len({(one.path, one.line, one.message) for one in findings})
    assert len(annotations) <= most


@given(findings_st, st.integers(0, 600))
def test_a_table_keeps_its_bound_and_every_row_is_whole(findings: list[Finding], most: int) -> None:
    shown = findings_table(findings, most=most)
    assert len(shown.encode()) <= most
    rows = [line for line in shown.splitlines() if line.startswith("|")][2:]
    assert all(row.endswith("|") for row in rows)
    if shown:
        more = int(shown.rsplit("And ", 1)[1].split()[0]) if "And " in shown.rsplit("\n", 1)[-1] else 0
        assert len(rows) + more == len(findings)


def test_a_table_shows_text_as_it_is_and_has_no_link() -> None:
    hostile = "<b>x</b> | [l](https://x.test) @octocat #1 https://evil.test `c`"
    shown = findings_table([Finding("a|`b.md", 3, Level.WARNING, hostile, title="MD001")], most=2000)
    page = MarkdownIt("js-default", {"html": True}).render(shown)
    assert page.count("<td>") == 3
    assert "<a " not in page
    assert "<b>" not in page
    assert "MD001: &lt;b&gt;x&lt;/b&gt; | [l](https://x.test)" in page
    assert "a|`b.md:3" in page


def test_a_table_says_how_many_more_there_are() -> None:
    findings = [finding("a.md", line) for line in range(1, 100)]
    shown = findings_table(findings, most=300)
    assert shown.startswith("| Where | Level | Message |\n| --- | --- | --- |\n| `a.md:1` | warning | said |\n")
    rows = shown.count("`a.md:")
    assert shown.endswith(f"\n\nAnd {99 - rows} more.")
    assert findings_table(findings, most=10) == ""
    assert findings_table(findings, most=20) == "And 99 more."
    assert findings_table([], most=1000) == ""


@pytest.mark.parametrize("most", [2000, 140])
def test_a_long_message_takes_one_row_of_bounded_width(most: int) -> None:
    shown = findings_table([finding(message="a" * 10_000), finding(line=2)], most=most)
    assert len(shown) <= most
    assert "a.md:2" in shown or "And 2 more." in shown
