"""Breakages of GitHub Apps: what their tokens are for, how long they serve, and what a refusal of one means."""

from breakages.breakage import Breakage

TOKENS = "tasks/delivery/app_tokens.py"
REQUESTS = "github_api/apps.py"
DELIVERED = "tests/delivery/apps/test_apps.py"
FAILS = "tests/delivery/apps/test_app_requests_fail.py"
MADE = "tests/tasks/delivery/test_app_tokens.py"

APPS = (
    Breakage("a token is for every repository", REQUESTS, '{**only, "permissions"', '{"permissions"', (f"{MADE}::test_each_use_and_each_repository_has_a_token_of_its_own",)),
    Breakage("a token has all that its App may", REQUESTS, ', "permissions": dict(permissions)}', "}", (f"{MADE}::test_each_use_and_each_repository_has_a_token_of_its_own",)),
    Breakage("each who waits has a token made", TOKENS, "        making = self._making.get(wanted)\n", "        making = None\n", (f"{MADE}::test_one_token_is_made_for_all_who_wait_also_if_the_first_gives_up",)),
    Breakage("the first who gives up ends it for all", TOKENS, "await asyncio.shield(making)", "await making", (f"{MADE}::test_one_token_is_made_for_all_who_wait_also_if_the_first_gives_up",)),
    Breakage("a token serves until it has expired", TOKENS, "MOST_OF_ITS_LIFE * held.lifetime", "2 * held.lifetime", (f"{DELIVERED}::test_a_token_serves_until_most_of_its_life_is_over",)),
    Breakage("a revoked token pauses the key", TOKENS, "MOST_REFUSED = 1", "MOST_REFUSED = 0", (f"{DELIVERED}::test_a_revoked_token_is_replaced_without_a_pause",)),
    Breakage("tokens are made without end", TOKENS, "MOST_REFUSED = 1", "MOST_REFUSED = 1000", (f"{DELIVERED}::test_where_github_accepts_no_new_token_either_the_key_pauses",)),
    Breakage("a new token is not tried again", TOKENS, "NEW = timedelta(seconds=6)", "NEW = timedelta(0)", (f"{DELIVERED}::test_a_new_token_that_github_does_not_know_yet_is_tried_again_within_seconds",)),
    Breakage("each report asks again why there is no token", TOKENS, "KEPT_REFUSALS = timedelta(seconds=30)", "KEPT_REFUSALS = timedelta(0)", (f"{DELIVERED}::test_a_refusal_to_make_a_token_is_not_asked_about_again_for_half_a_minute",)),
    Breakage("a key's error is quoted", REQUESTS, 'f"the private key of the App {app.client_id} cannot be read: put', 'f"the private key of the App {app.pem} cannot be read: put', (f"{MADE}::test_a_key_that_cannot_sign_is_not_quoted",)),
    Breakage("a wrong clock stays wrong", REQUESTS, "        self._ahead = ahead\n        return True\n", "        return False\n", (f"{DELIVERED}::test_a_clock_that_is_wrong_signs_with_githubs_own_time",)),
    Breakage("a stale token ends a pause", "storage/delivery/credentials.py", "not isinstance(outcome, NoToken | StaleToken)", "not isinstance(outcome, NoToken)", (f"{FAILS}::test_a_stale_token_does_not_end_the_pause_of_a_limit",)),
    Breakage("an App's new token is refused for good by git", "tasks/git/remote.py", "is_new = git.has_app_token and", "is_new = False and", ("tests/tasks/git/test_as_app.py::test_a_host_that_does_not_know_an_apps_new_token_yet_is_asked_again",)),
    Breakage("the page takes any code", "console/github_app/manifest_page.py", 'if not hmac.compare_digest(given.get("state", ""), state) or', "if", ("tests/console/test_app_create.py::test_the_page_takes_a_code_from_the_browser_that_began_there_alone",)),
    Breakage("others can read a new App's key", "console/github_app/create.py", "0o600)", "0o644)", ("tests/console/test_app_create.py::test_an_app_is_made_in_a_browser_and_its_key_kept_for_this_user_alone",)),
)  # fmt: skip
