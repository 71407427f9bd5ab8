"""Builds bodies from the examples of GitHub's API description, with fields set. Their source: see `examples.json`."""

import json
from datetime import datetime
from pathlib import Path

from fake_github.exchange import Json

_TEXTS = {
    name: json.dumps(example)
    for name, example in json.loads((Path(__file__).parent / "examples.json").read_text("utf-8")).items()
}
_REPOSITORY = "octocat/Hello-World"
_SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
_BASE_URL = "https://api.github.com"


def example(which: str, base_url: str, repository: str, sha: str = _SHA) -> Json:
    """The example *which*, as if it was of *repository* at *base_url*, and of its commit *sha*."""
    text = _TEXTS[which]
    for theirs, ours in ((_BASE_URL, base_url), (_REPOSITORY, repository), (_SHA, sha)):
        text = text.replace(theirs, json.dumps(ours)[1:-1])
    made: Json = json.loads(text)
    return made


def of_repository(name: str, number: int, base_url: str) -> Json:
    """A repository, with its *number*."""
    named = {"id": number, "name": name.partition("/")[2], "full_name": name}
    return {**example("repository", base_url, name), **named}


def time(at: datetime) -> str:
    """UTC with a resolution of one second: https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
