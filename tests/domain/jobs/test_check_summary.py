"""What a check run shows of a job beside its one-line result."""

from domain.annotation import Annotation
from domain.delivery.check_output import MAX_SUMMARY, Output
from domain.jobs.check_summary import check_output
from domain.output.findings import Finding, Level

LINE = Annotation("docs/a.md", 3, 3, "warning", "no such page")
FOUND = Finding("docs/a.md", 3, Level.WARNING, "no such page")
ELSEWHERE = Finding("build/b.html", 7, Level.FAILURE, "broken <b>")


def shown(*others: Finding, options: dict[str, object] | None = None, result: str = "succeeded in 3 s") -> Output:
    return check_output(
        "sphinx", options or {}, result, annotations=(LINE,), others=others, all_found=(FOUND, *others),
        log="https://prefect.test/runs/1", output=None,
    )  # fmt: skip


def test_it_says_what_ran_what_became_of_it_and_where_the_log_is() -> None:
    output = shown(options={"language": "de"})
    assert output.summary == '`sphinx` `{"language": "de"}`\n\nsucceeded in 3 s\n\n[Log](<https://prefect.test/runs/1>)'
    assert output.annotations == (LINE,)


def test_what_is_no_annotation_stands_in_a_table_and_where_annotations_are_refused_all_does() -> None:
    output = shown(ELSEWHERE)
    assert "`build/b.html:7` | failure | broken \\<b\\>" in output.summary
    assert "docs/a.md:3" not in output.summary
    assert "`docs/a.md:3` | warning | no such page" in output.plain_summary


def test_text_from_outside_stays_text() -> None:
    assert "\\[x\\](https\\://evil.test)" in shown(result="[x](https://evil.test)").summary


def test_it_is_never_longer_than_github_takes_and_ends_between_two_rows() -> None:
    many = [Finding(f"build/{number}.html", number, Level.WARNING, "wörds " * 30) for number in range(1, 1000)]
    output = shown(*many)
    assert MAX_SUMMARY - 500 < len(output.summary.encode()) <= MAX_SUMMARY
    assert output.summary.rstrip().endswith("more.")
