"""Which URLs git may fetch from."""

import pytest

from domain.git.git_url import protocol_of


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("https://github.com/acme/site.git", "https"),
        ("http://127.0.0.1:8000/acme/site.git", "http"),
        ("ssh://git@github.com:22/acme/site.git", "ssh"),
        ("git@github.com:acme/site.git", "ssh"),
        ("git://example.com/acme/site.git", "git"),
        ("file:///srv/site", "file"),
        ("/srv/a site", "file"),
    ],
)
def test_a_repository_takes_one_protocol(url: str, protocol: str) -> None:
    assert protocol_of(url) == protocol


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch pwned'",
        "fd::17",
        "ftp://example.com/site",
        "--upload-pack=touch pwned",
        "-oProxyCommand=touch",
        "ssh://-oProxyCommand=touch/site",
        "git@-oProxyCommand=touch:site",
        "site.git",
        "../site",
        "https://github.com/a b",
        "",
    ],
)
def test_what_runs_a_program_poses_as_an_option_or_depends_on_a_folder_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="no repository: it takes"):
        protocol_of(url)
