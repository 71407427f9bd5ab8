"""Which paths fit the patterns of a job type."""

import pytest

from domain.path_patterns import matches


@pytest.mark.parametrize(
    ("path", "patterns"),
    [
        ("docs/a.md", ["docs/**"]),
        ("docs/a/b/c.md", ["docs/**"]),
        ("docs/a.md", ["docs"]),
        ("docs", ["docs"]),
        ("a.md", ["**/*.md"]),
        ("a/b/c.md", ["**/*.md"]),
        ("docs/drafts.md", ["docs/**", "!docs/drafts/**"]),
        ("docs/drafts/last.md", ["docs/**", "!docs/drafts/**", "docs/drafts/last.md"]),
        ("docs/[slug]/a+b (1).md", ["docs/[slug]/a+b (?).md"]),
        ("docs/ä\nb.md", ["docs/**"]),
        ("docs/de/a.md", ["docs/*/a.md"]),
        ("src/docs/x/y.py", ["src/**/y.py"]),
        ("src/y.py", ["src/**/y.py"]),
    ],
)
def test_it_fits(path: str, patterns: list[str]) -> None:
    assert matches(path, patterns)


@pytest.mark.parametrize(
    ("path", "patterns"),
    [
        ("documents/a.md", ["docs/**"]),
        ("src/docs/a.md", ["docs/**"]),
        ("docsx", ["docs"]),
        ("docs/a/b.md", ["docs/*.md"]),
        ("docs/drafts/a.md", ["docs/**", "!docs/drafts/**"]),
        ("docs/drafts/a.md", ["docs/**", "!docs/drafts"]),
        ("a.mdx", ["**/*.md"]),
        ("docs/s/a.md", ["docs/[slug]/a.md"]),
        ("docs/de/fr/a.md", ["docs/*/a.md"]),
        ("docs/10.md", ["docs/?.md"]),
    ],
)
def test_it_does_not_fit(path: str, patterns: list[str]) -> None:
    assert not matches(path, patterns)


def test_many_stars_take_no_time() -> None:
    assert not matches("a" * 4000, ["*a" * 100 + "b"])
