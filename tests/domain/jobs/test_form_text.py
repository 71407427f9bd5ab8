"""The text of the start form: each job type with its options and their values."""

from domain.jobs.form_text import jobs_in_words, options_in_words
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import parse_job_types

TYPES = parse_job_types(
    """
version = 1
[jobs.plain]
command = ["true"]
[jobs.sphinx]
description = '''Build it,
{whole}.'''
command = ["true"]
options.builder = { type = "string", choices = ["html", "text"], default = "html", args = ["-b", "{value}"] }
options.language = { type = "string", pattern = "[a-z]{2}", args = ["-D", "{value}"] }
options.processes = { type = "integer", required = true, minimum = 1, maximum = 8, args = ["-j", "{value}"] }
options.nitpicky = { type = "flag", args = ["-n"] }
""",
    "a test",
)


def test_every_job_type_is_described_in_one_line() -> None:
    assert jobs_in_words(TYPES.values()) == "plain: not described. sphinx: Build it, {whole}."


def test_every_option_says_what_it_can_be_and_there_is_an_example() -> None:
    assert options_in_words(TYPES.values()) == (
        "plain: none. sphinx: builder (html or text), language (matches [a-z]{2}), processes (required, 1 to 8), "
        'nitpicky (true or false). For sphinx, such as {"builder": "html", "nitpicky": false}.'
    )


def test_no_example_is_made_up() -> None:
    assert options_in_words([JobType(name="plain", command=("true",))]) == "plain: none."
