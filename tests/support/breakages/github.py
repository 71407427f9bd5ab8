"""Breakages of requests to GitHub and of the stand-in."""

from breakages.breakage import Breakage

CONNECTION = "github_api/send_request.py"
PAUSES = "tests/delivery/test_pauses.py"
REFUSED = "tests/delivery/test_refused_reads.py"
CLASSIFY = "github_api/classify.py"
INTERMEDIARIES = ("tests/github_api/test_provenance.py", "tests/scenarios/replies/test_intermediaries.py")

GITHUB = (
    Breakage("a redirect becomes a GET", CONNECTION, "request = replace(request, url=there)", 'request = replace(request, url=there, method="GET", json=None)', ("tests/github_api/test_redirects.py::test_a_redirected_create_stays_a_create",)),
    Breakage("a reply that drips has no deadline", CONNECTION, "asyncio.timeout_at(deadline)", "asyncio.timeout_at(None)", ("tests/github_api/test_client_sockets.py::test_one_deadline_spans_all_redirects",)),
    Breakage("the kernel sends what we gave up", "github_api/transport.py", 'struct.pack("ii", 1, 0)', 'struct.pack("ii", 0, 0)', ("tests/github_api/test_client_sockets.py::test_a_request_given_up_is_reset_not_delivered_later",)),
    Breakage("any 2xx is a success", CLASSIFY, "if status == success else None\n    if made", "if 200 <= status < 300 else None\n    if made", ("tests/github_api/test_classify.py::test_every_status_has_an_outcome_and_only_201_is_delivered",)),
    Breakage("a proxy refuses for GitHub", "github_api/provenance.py", "    if headers.get(REQUEST_ID):\n", "    if True:\n", INTERMEDIARIES),
    Breakage("an HTML page counts as GitHub's message", CLASSIFY, "is_github_error(body) and status", "status", INTERMEDIARIES),
    Breakage("a refused read rejects", CLASSIFY, 'return NotSent(shortened(f"reading back, HTTP {status}: {message}"), reason)', "return Rejected(reason, message)", (REFUSED,)),
    Breakage("a log-in page counts as an empty list", CLASSIFY, "(is_from_github(url, known, said) or not is_github_host(url))", "True", INTERMEDIARIES),
    Breakage("a proxy's answer may have left nothing", CLASSIFY, "return Unknown(intermediary_words(status, said), Reason.INTERMEDIARY)\n    if", "return NotSent(intermediary_words(status, said), Reason.INTERMEDIARY)\n    if", INTERMEDIARIES),
    Breakage("a 404 is final", CLASSIFY, "(Reason.NO_SUCH_COMMIT, Reason.NOT_FOUND)", "(Reason.NO_SUCH_COMMIT,)", ("tests/scenarios/replies/test_refusals.py",)),
    Breakage("a link leads the token to another host", "github_api/same_origin.py", "here.copy_with(raw_path=there.raw_path)", "there", ("tests/github_api",)),
    Breakage("a proxy's answer sets GitHub's time", "github_api/classify.py", "if request_id else None  # without", "if True else None  # without", ("tests/github_api/test_rate_limits.py",)),
    Breakage("a time that GitHub names is read by our clock", "github_api/rate_limits.py", 'github_now = http_date(headers.get("date", "")) or now', "github_now = now", (f"{PAUSES}::test_a_time_that_github_names_is_as_far_ahead_as_by_its_own_clock",)),
    Breakage("a reply that came compressed is read", "github_api/transport.py", 'if encoding not in ("", "identity"):', 'if encoding not in ("", "identity", encoding):', ("tests/github_api/test_client_sockets.py::test_a_compressed_reply_is_not_read_and_leaves_a_create_unknown",)),
    Breakage("a short token is used", "github_api/credentials.py", "if len(token) < SHORTEST_SECRET:", "if not token:", ("tests/github_api/test_credentials.py::test_a_token_that_fits_no_header_is_refused_without_showing_it",)),
    Breakage("certificates that cannot be read are a traceback", "github_api/certificates.py", "except OSError as error:  # an SSLError", "except ZeroDivisionError as error:  # an SSLError", ("tests/github_api/test_certificates.py",)),
    Breakage("the named certificates are not trusted", "github_api/transport.py", "verify=trusted(ca_file)", "verify=trusted()", ("tests/github_api/test_certificates.py",)),
    Breakage("annotations replace those before them", "fake_github/surfaces/check_run_store.py", "annotations=run.annotations + self.annotations", "annotations=self.annotations", ("tests/fake_github/test_stand_in_check_runs.py::test_every_request_appends_its_annotations",)),
    Breakage("an update stored late is what the run was at its request", "fake_github/surfaces/check_run_store.py", "if change.at <= until:", "if change.at <= until or change.fields:", ("tests/fake_github/test_stand_in_check_run_faults.py::test_an_update_stored_late_is_applied_to_what_the_run_is_by_then",)),
    Breakage("the stand-in lets any token write check runs", "fake_github/github.py", "if asked.surface.for_apps and call.writes else None", "if False else None", ("tests/fake_github/test_stand_in_check_run_apps.py::test_other_tokens_read_and_do_not_write",)),
    Breakage("the stand-in's page shows text as it is", "fake_github/pages.py", "autoescape=True", "autoescape=False", ("tests/fake_github/test_stand_in_pages.py::test_text_is_escaped_everywhere",)),
    Breakage("the stand-in shows HTML of a check run as it is", "fake_github/answers/markdown.py", '{"html": False}', '{"html": True}', ("tests/fake_github/test_stand_in_check_run_pages.py::test_text_of_check_runs_is_escaped_everywhere",)),
    Breakage("the stand-in names another commit than was asked for", "fake_github/answers/examples.py", "(_SHA, sha))", "(_SHA, _SHA))", ("tests/fake_github/test_stand_in_api.py::test_a_created_status_is_as_described",)),
)  # fmt: skip
