"""The table of answers and outcomes, row by row, and that it is total."""

from itertools import product

import pytest
from answers import BODIES, CLASSES, CONTEXT, CREATED, HEADERS, posted, read

from domain.delivery.outcome import (
    Delivered,
    NotSent,
    Reason,
    Rejected,
    Throttled,
    Unknown,
)


@pytest.mark.parametrize("statuses", CLASSES, ids=lambda statuses: f"{statuses.start // 100}xx")
def test_every_status_has_an_outcome_and_only_201_is_delivered(statuses: range) -> None:
    for status, body, headers in product(statuses, BODIES, HEADERS):
        outcome = posted(status, body, headers)
        assert isinstance(outcome, Delivered) == (status == 201 and body == CREATED), status
        assert not isinstance(outcome, NotSent), status


def test_a_status_that_may_have_been_stored_is_unknown() -> None:
    for status in (100, 103, *range(202, 300), 200, 408, *range(500, 600)):
        assert isinstance(posted(status, CREATED), Unknown), status


def test_every_other_client_error_is_rejected() -> None:
    for status in set(range(400, 500)) - {401, 407, 408, 429}:
        assert isinstance(posted(status, {"message": "No."}), Rejected), status


def test_a_201_with_id_and_our_context_is_delivered() -> None:
    assert posted(201, CREATED) == Delivered(10358678319)


def test_contexts_are_the_same_in_any_letter_case() -> None:
    assert posted(201, {"id": 1, "context": "DOCS/Build"}) == Delivered(1)


@pytest.mark.parametrize(
    "body",
    [
        {"id": True, "context": CONTEXT},
        {"id": "7", "context": CONTEXT},
        {"id": 7.0, "context": CONTEXT},
        {"id": 0, "context": CONTEXT},
        {"id": 2**63, "context": CONTEXT},
        {"id": None, "context": CONTEXT},
        {"context": CONTEXT},
        {"id": 7, "context": None},
        {"id": 7, "context": "docs/other"},
        {"id": 7},
        [{"id": 7, "context": CONTEXT}],
        CREATED[:-1],
        b"",
    ],
)
def test_a_201_that_does_not_name_our_status_is_unknown(body: object) -> None:
    assert isinstance(posted(201, body), Unknown)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.BAD_REQUEST),
        (402, Reason.REFUSED),
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (409, Reason.REFUSED),
        (410, Reason.GONE),
        (413, Reason.TOO_LARGE),
        (415, Reason.BAD_REQUEST),
        (422, Reason.BAD_REQUEST),
        (451, Reason.BLOCKED),
    ],
)
def test_a_refusal_has_its_reason_and_githubs_words(status: int, reason: Reason) -> None:
    outcome = posted(status, {"message": "In GitHub's words"})
    assert outcome == Rejected(reason, "In GitHub's words", may_heal=status == 404)


def test_a_missing_commit_may_heal() -> None:
    outcome = posted(422, {"message": "No commit found for SHA: 0123"})
    assert outcome == Rejected(Reason.NO_SUCH_COMMIT, "No commit found for SHA: 0123", may_heal=True)


TOO_MANY = "This SHA and context has reached the maximum number of statuses."


@pytest.mark.parametrize(
    "errors",
    [[{"resource": "Status", "code": "custom", "message": TOO_MANY}], [TOO_MANY], TOO_MANY],
    ids=["objects", "strings", "a string"],
)
def test_too_many_statuses_are_recognised_however_errors_are_written(errors: object) -> None:
    outcome = posted(422, {"message": "Validation Failed", "errors": errors})
    assert outcome == Rejected(Reason.TOO_MANY_STATUSES, f"Validation Failed: {TOO_MANY}")


def test_a_refused_field_is_reported_in_githubs_words() -> None:
    errors = [
        {"field": "description", "code": "custom", "message": "description is too long (maximum is 140 characters)"},
        {"field": "state", "code": "missing_field"},
        {},
        "",
    ]
    outcome = posted(422, {"message": "Validation Failed", "errors": errors})
    assert outcome == Rejected(
        Reason.BAD_DESCRIPTION,
        "Validation Failed: description is too long (maximum is 140 characters); state missing_field",
    )


def test_an_odd_field_does_not_hide_the_message() -> None:
    outcome = posted(422, {"message": "Validation Failed", "errors": {"a": 1}, "block": [], "documentation_url": 3})
    assert outcome == Rejected(Reason.BAD_REQUEST, "Validation Failed")


FIELDS = [
    ("target_url", "target_url must use http(s) scheme", Reason.BAD_URL),
    ("description", "description is too long (maximum is 140 characters)", Reason.BAD_DESCRIPTION),
    ("description", "description doesn't accept 4-byte Unicode", Reason.BAD_DESCRIPTION),
    ("context", "context is too long (maximum is 255 characters)", Reason.BAD_CONTEXT),
    ("state", "state is not included in the list", Reason.BAD_STATE),
    ("sha", "sha must be a 40 character SHA1", Reason.BAD_REQUEST),
]


@pytest.mark.parametrize(("field", "message", "reason"), FIELDS)
def test_a_refused_field_has_its_own_reason_however_errors_are_written(
    field: str, message: str, reason: Reason
) -> None:
    expected = Rejected(reason, f"Validation Failed: {message}")
    described = {"resource": "Status", "code": "custom", "field": field, "message": message}
    for errors in ([described], [{"message": message}], [message], message):
        assert posted(422, {"message": "Validation Failed", "errors": errors}) == expected


def test_a_field_of_the_wrong_type_has_its_own_reason() -> None:
    outcome = posted(422, {"message": "Invalid request.\n\nFor 'properties/state', nil is not a string."})
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.BAD_STATE


@pytest.mark.parametrize("status", [403, 451])
@pytest.mark.parametrize("more", [{"block": {"reason": "tos"}}, {}])
def test_a_blocked_repository_is_blocked_whatever_the_status(status: int, more: dict[str, object]) -> None:
    outcome = posted(status, {"message": "Repository access blocked", **more})
    assert outcome == Rejected(
        Reason.BLOCKED, "Repository access blocked: tos" if more else "Repository access blocked"
    )


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Resource not accessible by integration", Reason.NO_PERMISSION),
        ("Resource not accessible by personal access token", Reason.NO_PERMISSION),
        ("Repository was archived so is read-only.", Reason.ARCHIVED),
        ("Resource protected by organization SAML enforcement. You must grant access.", Reason.SSO_REQUIRED),
        ("The organization has an IP allow list enabled", Reason.FORBIDDEN),
    ],
)
def test_a_403_that_is_no_limit_is_rejected_for_what_it_says(message: str, reason: Reason) -> None:
    outcome = posted(403, {"message": message}, {"x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1"})
    assert outcome == Rejected(reason, message)
    assert read(403, {"message": message}) == NotSent(f"reading back, HTTP 403: {message}", reason)


@pytest.mark.parametrize(
    ("status", "header", "reason"),
    [
        (403, "required; url=https://github.com/orgs/acme/sso?authorization_request=A", Reason.SSO_REQUIRED),
        (404, "required; url=https://github.com/orgs/acme/sso?authorization_request=A", Reason.SSO_REQUIRED),
        (404, "partial-results; organizations=1", Reason.NOT_FOUND),
    ],
)
def test_single_sign_on_is_known_by_its_header_too(status: int, header: str, reason: Reason) -> None:
    may_heal = reason is Reason.NOT_FOUND
    assert posted(status, {"message": "No."}, {"X-GitHub-SSO": header}) == Rejected(reason, "No.", may_heal=may_heal)


def test_a_page_of_html_has_no_words() -> None:
    assert posted(502, b"<html>Unicorn!</html>") == Unknown("HTTP 502")


def test_an_unknown_says_what_was_seen() -> None:
    assert posted(502, {"message": "Server Error"}) == Unknown("HTTP 502: Server Error")


def test_words_are_one_line_of_bounded_length() -> None:
    outcome = posted(410, {"message": "a\r\nb\u0000" + "x" * 5000})
    assert isinstance(outcome, Rejected)
    assert outcome.message.startswith("a bxx")
    assert len(outcome.message) == 300


def test_a_bad_credential_pauses_without_a_time() -> None:
    outcome = posted(401, {"message": "Bad credentials"}, {"retry-after": "5"})
    assert outcome == Throttled(Reason.BAD_CREDENTIALS, "Bad credentials")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_that_led_nowhere_rejects_nothing_and_shows_no_secret(status: int) -> None:
    location = {"Location": "https://me:pw@elsewhere.test/x?token=1#f"}
    words = f"HTTP {status} to https://elsewhere.test/x"
    assert posted(status, b"", location) == Unknown(words, Reason.REDIRECTED)
    assert read(status, b"", location) == NotSent(words, Reason.REDIRECTED)


def test_a_redirect_without_an_address_leads_nowhere() -> None:
    assert posted(301) == Unknown("HTTP 301 to nowhere", Reason.REDIRECTED)
    assert posted(301, b"", {"location": "http://h:x/"}) == Unknown(
        "HTTP 301 to an unusable address", Reason.REDIRECTED
    )
