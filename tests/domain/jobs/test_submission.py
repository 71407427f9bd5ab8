"""Submissions of a job: its parameters, and when two requests are the same."""

import pytest

from domain.delivery.target import Target
from domain.jobs.job_type import JobType
from domain.jobs.submission import Submission, UnreadableJob, asked_by
from domain.jobs.target_request import TargetRequest

SHA = "3f2a91c0" * 5
TYPES = {"sphinx": JobType.model_validate({"name": "sphinx", "command": ["make"], "context": "docs/handbook"})}
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


def test_a_flow_runs_options_have_their_defaults_and_are_none_where_they_are_refused() -> None:
    options = {"language": {"type": "string", "choices": ["de", "fr"], "default": "de", "args": ["{value}"]}}
    types = {"sphinx": JobType.model_validate({"name": "sphinx", "command": ["make"], "options": options})}
    asked: list[object] = [{}, {"language": "fr"}, {"language": "--help"}, {"other": 1}, "fr"]
    assert [asked_by({"job": "sphinx", "options": one}, types).options for one in asked] == [
        {"language": "de"}, {"language": "fr"}, {}, {}, {"language": "de"},
    ]  # fmt: skip
    assert asked_by({"job": "sphinx", "options": {"language": "fr"}}, None).options == {}


def test_omitted_fields_are_left_to_the_form() -> None:
    assert Submission("sphinx", PLAIN, {}).parameters == {
        "job": "sphinx", "options": {}, "target": {"repository": "acme/site", "sha": SHA},
    }  # fmt: skip


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"job": 17},
        {"job": "../rm"},
        {"job": "sphinx", "target": "acme/site"},
        {"job": "sphinx", "target": {"repository": "acme/site", "sha": "main"}},
        {"job": "sphinx", "target": {"repository": "../..", "sha": SHA}},
        {"job": "sphinx", "target": {"repository": "acme/site", "sha": SHA, "token": "a"}},
        {"job": "removed", "target": {"repository": "acme/site", "sha": SHA}},
    ],
)
def test_parameters_that_no_submission_has_name_no_job(parameters: dict[str, object]) -> None:
    with pytest.raises(UnreadableJob):
        asked_by(parameters, TYPES)


def test_parameters_are_read_back_whatever_the_options_are() -> None:
    given = {"job": "sphinx", "options": "no options", "target": {"repository": "acme/site", "sha": SHA}}
    assert asked_by(given, TYPES).target == Target("acme/site", SHA, "docs/handbook")
    assert asked_by(given, None).target == Target("acme/site", SHA, "docs/sphinx")
    assert asked_by({"job": "sphinx", "target": None}, None).target is None
