"""The nine job types of CoMapeo's docs have exactly the commands, limits and variables they had before."""

from datetime import timedelta

import pytest
from example_files import types_of

from domain.jobs.options import BadOptions

FETCH = ("bun", "scripts/notion-fetch-all")
STATUS = ("bun", "scripts/notion-status", "--workflow")
TYPES = types_of("comapeo")
ID = "1f" * 16

COMMANDS: dict[str, tuple[str, int, dict[str, object], tuple[str, ...]]] = {
    "fetch-one": (
        "fetch-one", 60, {"dry-run": True, "force": True, "page-id": ID},
        (*FETCH, "--page-id", ID, "--force", "--dry-run"),
    ),
    "fetch-ready": (
        "fetch-ready", 60, {"max-pages": 5, "force": True, "dry-run": True},
        (*FETCH, "--status-filter", "Ready to publish", "--max-pages", "5", "--force", "--dry-run"),
    ),
    "fetch-all": (
        "fetch-all", 60,
        {"max-pages": 5, "status-filter": "Draft finished", "include-removed": True, "force": True, "dry-run": True},
        (*FETCH, "--max-pages", "5", "--status-filter", "Draft finished", "--include-removed", "--force", "--dry-run"),
    ),
    "notion:count-pages": (
        "notion-count-pages", 5, {"include-removed": True, "status-filter": "Remove"},
        ("bun", "scripts/notion-count-pages/index.ts", "--include-removed", "--status-filter", "Remove"),
    ),
    "notion:translate": ("notion-translate", 30, {}, ("bun", "scripts/notion-translate")),
    "notion:status-translation": ("notion-status-translation", 5, {}, (*STATUS, "translation")),
    "notion:status-draft": ("notion-status-draft", 5, {}, (*STATUS, "draft")),
    "notion:status-publish": ("notion-status-publish", 5, {}, (*STATUS, "publish")),
    "notion:status-publish-production": ("notion-status-publish-production", 5, {}, (*STATUS, "publish-production")),
}  # fmt: skip
"""By their old names: the new one, minutes, all options, and what is run."""

ENVIRONMENT = (
    "NOTION_API_KEY DATABASE_ID NOTION_DATABASE_ID DATA_SOURCE_ID OPENAI_API_KEY OPENAI_MODEL DEFAULT_DOCS_PAGE "
    "BASE_URL NODE_ENV CONTENT_PATH IMAGES_PATH I18N_PATH DEBUG NOTION_PERF_LOG NOTION_PERF_OUTPUT BUN_INSTALL"
)
"""What a job saw, but for PATH, HOME, LANG and LC_ALL, which every job has."""


def test_there_are_these_nine_and_no_other() -> None:
    assert list(TYPES) == [name for name, *_ in COMMANDS.values()]


@pytest.mark.parametrize("old", COMMANDS)
def test_each_runs_what_it_ran_within_its_time_and_reports_under_its_old_context(old: str) -> None:
    name, minutes, options, argv = COMMANDS[old]
    job_type = TYPES[name]
    assert set(options) == set(job_type.options)
    assert job_type.argv(options) == argv
    assert job_type.timeout == timedelta(minutes=minutes)
    assert job_type.context == f"docs/{old}"


@pytest.mark.parametrize("name", TYPES)
def test_each_sees_the_same_variables_and_installs_by_the_lock_file(name: str) -> None:
    job_type = TYPES[name]
    assert job_type.env == tuple(ENVIRONMENT.split())
    (install,) = job_type.prepare
    assert install.command == ("bun", "install", "--frozen-lockfile")
    assert install.cache is not None
    assert (install.cache.paths, install.cache.key) == (("node_modules",), ("bun.lock",))


def test_job_types_that_make_content_push_it_and_take_turns() -> None:
    pushing = {name for name, job_type in TYPES.items() if job_type.push}
    assert pushing == {"fetch-one", "fetch-ready", "fetch-all", "notion-translate"}
    assert {name for name, job_type in TYPES.items() if job_type.exclusive == "content"} == pushing
    pushes = {job_type.push for job_type in TYPES.values() if job_type.push}
    assert [(push.branch, push.paths) for push in pushes] == [("content", ("docs", "i18n", "static/images"))]


def test_to_fetch_one_page_without_naming_it_is_refused() -> None:
    with pytest.raises(BadOptions, match="page-id must be given"):
        TYPES["fetch-one"].argv({})
