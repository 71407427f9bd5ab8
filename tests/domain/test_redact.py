"""Redaction of texts that others may read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.redact import LONGEST_PIECE, public

GHS = "ghs_" + "12345_eyJ0eXAi.eyJpc3Mi-" * 20
ROOT = "/var/tmp/reportback-x/copy"  # noqa: S108 - a text; nothing is made there


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token ghp_" + "a" * 36, "token ***"),
        (f"remote: {GHS}!", "remote: ***!"),
        ("github_pat_" + "a1_" * 20, "***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("> authorization: Basic dXNlcjpw", "> authorization: ***"),
        ("{'Authorization': 'token xyz'}", "{'Authorization': '***'}"),
        ("curl -H bearer abcdefghij", "curl -H bearer ***"),
        ("https://me:p@ss@github.com/a/b.git", "https://***@github.com/a/b.git"),
        ("https://x-access-token@github.com/a", "https://***@github.com/a"),
        ("GET https://x.org/a?token=abc&page=2", "GET https://x.org/a?token=***&page=2"),
    ],
)
def test_credentials_are_hidden_by_their_shape(text: str, shown: str) -> None:
    assert public(text) == shown


def test_secrets_are_hidden_by_their_value_and_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n}\n"
    assert (
        public("hunter22 and hunter2, MIIEvQIBADANBg }", secrets=["hunter2", "hunter22", key, ""])
        == "*** and ***, *** }"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{ROOT}/docs/index.md:3: bad", "docs/index.md:3: bad"),
        (f"cd {ROOT}", "cd ."),
        (f"cd {ROOT}/; file://{ROOT}/a", "cd .; a"),
        (f"{ROOT}2/a", "…/a"),
        ('File "/home/me/my files/x.py", line 3', 'File "…/x.py", line 3'),
        ("WARNING:/home/me/x.md:3", "WARNING:…/x.md:3"),
        ("fatal: file:///srv/git/a.git not found", "fatal: …/a.git not found"),
        ("PATH=/usr/bin:/opt/bin", "PATH=…/bin:…/bin"),
        ("cc -I/usr/include/x", "cc -I…/x"),
        ("-L/usr/lib //net/share/x", "-L…/lib …/x"),
        ("see https://x.org/a/b and docs/a/b, 5/10, and/or ./a ../b </div> /", None),
    ],
)
def test_no_path_of_this_machine_is_shown(text: str, shown: str | None) -> None:
    assert public(text, roots=["/", "", f"{ROOT}/"]) == (text if shown is None else shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Broken link on page /docs/intro: linking to /docs/none", None),
        ("dead link '/guide/a b' in `/docs/x`", None),
        ("broken link in /srv/other/docs/x.md to /docs/none", "broken link in …/x.md to /docs/none"),
        ("link to file:///docs/x.md", "link to …/x.md"),
        (f"link in {ROOT}/docs/x.md to /docs/none", "link in docs/x.md to /docs/none"),
        ("cannot read /docs/none", "cannot read …/none"),
    ],
)
def test_the_path_of_a_page_stays_unless_a_folder_of_this_machine_has_it(text: str, shown: str | None) -> None:
    assert public(text, roots=[ROOT], folders=["srv", "home", "usr"]) == (text if shown is None else shown)


@pytest.mark.parametrize("length", [LONGEST_PIECE, LONGEST_PIECE + 1, 2500, 5 * LONGEST_PIECE - 1])
def test_a_secret_that_is_looked_for_in_pieces_is_hidden_whole(length: int) -> None:
    secret = "".join(f"{number}." for number in range(length))[:length]
    assert public(f"x {secret} y", secrets=[secret]) == "x *** y"


def test_of_two_secrets_that_overlap_nothing_is_left() -> None:
    assert public("x abcdefghijkl y", secrets=["abcdefgh", "efghijkl"]) == "x *** y"
    assert public("x abababababab y", secrets=["abababab"]) == "x *** y"


SECRETS = st.text(alphabet="abcXYZ019_/+.-", min_size=8, max_size=30)


@given(st.text(), SECRETS, st.text())
def test_no_secret_survives_whatever_surrounds_it(before: str, secret: str, after: str) -> None:
    assert secret not in public(before + secret + after, secrets=[secret], roots=["/abc"])


NO_PATH = st.text(st.characters(exclude_characters="/"))


@given(NO_PATH, st.sampled_from(["", "/", "/a.md", "//a b", ": "]), NO_PATH)
def test_no_root_survives_whatever_surrounds_it(before: str, end: str, after: str) -> None:
    assert "/srv/x/" not in public(f"{before}/srv/x{end}{after}", roots=["/srv/x"])
