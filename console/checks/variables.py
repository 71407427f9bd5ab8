"""Finds variables of the environment that begin as a setting does, and are none."""

from collections.abc import Mapping

from console.refusals.near_words import nearest
from github_api.credentials import DEFAULT_CREDENTIAL
from settings import Settings

PREFIX = "REPORTBACK_"
OF_TESTS = f"{PREFIX}TEST_"


def unknown_variables(env: Mapping[str, str], settings: Settings) -> list[str]:
    """A sentence for each variable of *env* that no setting reads, with the one that is probably meant."""
    credentials = (DEFAULT_CREDENTIAL, *settings.credentials.values())
    own = {name.removeprefix("env:") for name in credentials if name.startswith("env:")}
    known = {*own, *(f"{PREFIX}{field.upper()}" for field in Settings.model_fields)}
    found = (name for name in env if name.startswith(PREFIX) and not name.startswith(OF_TESTS))
    return [_sentence(name, known) for name in sorted(found) if name not in known]


def _sentence(name: str, known: set[str]) -> str:
    close = nearest(name.removeprefix(PREFIX), (one.removeprefix(PREFIX) for one in known))
    meant = f"perhaps {PREFIX}{close} is meant" if close else "docs/configuration.md lists all"
    return f"{name} is no setting, so that it changes nothing: {meant}; correct it, or do not set it"
