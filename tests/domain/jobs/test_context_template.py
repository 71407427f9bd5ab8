"""A context names options, so that jobs of one type show beside each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.commit_status import MAX_CONTEXT
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import BadJobsFile, parse_job_types

OPTIONS = """
[jobs.handbook.options.language]
type = "string"
choices = ["de", "fr"]
default = "de"
args = ["-D", "language={value}"]

[jobs.handbook.options.part]
type = "integer"
minimum = 1
maximum = 12
required = true
args = ["--part={value}"]

[jobs.handbook.options.draft]
type = "flag"
args = ["--draft"]

[jobs.handbook.options.theme]
type = "string"
pattern = "[a-z]+"
args = ["--theme={value}"]

[jobs.handbook.options.long]
type = "string"
pattern = ".*"
max_length = 300
default = "a"
args = ["--long={value}"]
"""


def handbook(context: str) -> JobType:
    text = f'version = 1\n[jobs.handbook]\ncommand = ["build"]\ncontext = "{context}"\n{OPTIONS}'
    return parse_job_types(text, "jobs.toml")["handbook"]


@pytest.mark.parametrize(
    ("context", "options", "filled"),
    [
        ("docs/handbook-{language}", {"language": "fr"}, "docs/handbook-fr"),
        ("docs/handbook-{language}", {}, "docs/handbook-de"),
        ("{type} {part}{draft}", {"part": 3, "draft": True}, "handbook 3true"),
        ("{type} {part}{draft}", {"part": 3}, "handbook 3false"),
        ("docs/{{x}}", {}, "docs/{x}"),
        ("docs/{language}", {"language": ["fr"]}, "docs/"),
        ("{language}", {"language": ["fr"]}, "docs/handbook"),
        ("docs/{language}", {"language": "f\nr\0"}, "docs/f r"),
    ],
)
def test_a_context_is_filled_with_the_options_of_a_request(
    context: str, options: dict[str, object], filled: str
) -> None:
    assert handbook(context).context_of(options) == filled


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ("docs/{lang}", "allowed in braces: type, language, part, draft, theme, long; not 'lang'"),
        ("docs/{}", "not ''"),
        ("docs/{language!r}", "allowed in braces: a name and nothing else"),
        ("docs/{language", "has a brace without its other half"),
        ("docs/{theme}", "option theme may be missing: give it a default, or required = true"),
        ("docs/{long}", "may have more than 255 characters: set max_length of its options"),
    ],
)
def test_a_context_that_some_request_could_not_fill_is_refused_with_its_line(context: str, told: str) -> None:
    with pytest.raises(BadJobsFile) as refused:
        handbook(context)
    assert str(refused.value).startswith("jobs.toml, line 4: jobs.handbook.context: ")
    assert told in str(refused.value)


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.integers())))
def test_whatever_the_options_the_context_is_one_that_github_takes(value: object) -> None:
    context = handbook("docs/{language}").context_of({"language": value})
    assert 0 < len(context) <= MAX_CONTEXT
    assert len(context.lower()) <= MAX_CONTEXT
