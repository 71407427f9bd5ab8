"""Which certificates are trusted, and the error where they cannot be read."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from git_host import git_host
from waiting import LONGEST

from domain.delivery.outcome import NotSent
from domain.delivery.target import Target
from github_api.certificates import BadCertificates, trusted
from github_api.commit_statuses import CommitStatuses
from github_api.transport import transport_to


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_a_file_that_is_not_there_is_one_sentence_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(BadCertificates) as refused:
        transport_to("https://api.github.com")
    assert str(refused.value) == (
        f"the certificates that SSL_CERT_FILE ({tmp_path}/none.pem) names cannot be read: No such file or directory; "
        "correct it, or do not set it"
    )


def test_a_file_without_a_certificate_is_one_sentence_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(BadCertificates, match=r"REPORTBACK_CA_FILE \(.*ca.pem\) names .*: no certificate in it"):
        trusted(tmp_path / "ca.pem")


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_host_is_believed_by_the_named_file_alone(tmp_path: Path, *, is_named: bool) -> None:
    with git_host(tmp_path, tmp_path) as host:
        timeout, ca_file = timedelta(seconds=LONGEST), host.certificate if is_named else None
        async with CommitStatuses(host.url, timeout, lambda: datetime.now(UTC), ca_file=ca_file) as github:
            read = await github.page(Target("o/r", "a" * 40, "docs"), None)
    assert isinstance(read.outcome, NotSent)
    assert read.exchange.http_status == (401 if is_named else None)
    assert is_named is ("CERTIFICATE_VERIFY_FAILED" not in read.outcome.why)


def test_a_named_file_goes_before_the_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with git_host(tmp_path, tmp_path) as host:
        assert isinstance(trusted(host.certificate), ssl.SSLContext)
