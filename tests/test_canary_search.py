"""The search of `make canaries` finds planted secrets; otherwise finding none would prove nothing."""

import base64
from itertools import product

import pytest
from canary_search import KINDS, MARKER, SECRETS, Place, secret_of


def found_in(text: bytes) -> set[str]:
    place = Place("here")
    place.look(text)
    return set(place.found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_found_as_it_is_and_in_hex(kind: str) -> None:
    raw = secret_of(kind).encode()
    assert found_in(b"a line with " + raw + b".") == {kind}
    assert found_in(raw.hex().encode()) == {kind}


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_found_in_base64_at_any_alignment(kind: str) -> None:
    for before, behind in product((b"", b":", b"::", b"x-access-token:"), (b"", b"-", b"--")):
        assert found_in(base64.b64encode(before + secret_of(kind).encode() + behind)) == {kind}


def test_the_marker_is_counted_and_is_no_secret() -> None:
    place = Place("here")
    place.look(f"{MARKER} and docs/{MARKER}")
    assert (place.markers, place.found) == (2, {})
    assert not any(MARKER in secret for secret in SECRETS.values())
