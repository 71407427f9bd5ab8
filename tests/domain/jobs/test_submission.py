"""Submissions of a job: its parameters, and when two requests are the same."""

from domain.jobs.submission import Submission
from domain.jobs.target_request import TargetRequest

SHA = "3f2a91c0" * 5
PLAIN = TargetRequest(repository="acme/site", sha=SHA)


def test_the_key_is_made_of_what_a_trigger_repeats() -> None:
    assert Submission("sphinx", PLAIN, {}).key("1658821493", "2") == f"acme/site:{SHA}:sphinx:1658821493:2"


def test_jobs_that_one_workflow_asks_for_with_other_options_or_contexts_are_several() -> None:
    asked = [
        Submission("sphinx", PLAIN, {}),
        Submission("sphinx", PLAIN, {"language": "de"}),
        Submission("sphinx", PLAIN, {"language": "fr"}),
        Submission("sphinx", PLAIN.model_copy(update={"context": "docs/de"}), {}),
        Submission("sphinx", PLAIN.model_copy(update={"url": "https://docs.example.com"}), {}),
    ]
    assert len({one.key("1", "1") for one in asked}) == len(asked)


def test_the_order_of_options_makes_no_difference() -> None:
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert Submission("sphinx", PLAIN, one).key("1", "1") == Submission("sphinx", PLAIN, other).key("1", "1")


def test_omitted_fields_are_left_to_the_form() -> None:
    assert Submission("sphinx", PLAIN, {}).parameters == {
        "job": "sphinx", "options": {}, "target": {"repository": "acme/site", "sha": SHA},
    }  # fmt: skip
