"""Check runs, as the stand-in creates, changes and lists them: https://docs.github.com/rest/checks/runs."""

import re
from dataclasses import asdict
from datetime import datetime

from fake_github.answers.examples import example, time
from fake_github.answers.refusals import no_such_commit, not_found
from fake_github.exchange import Answer, Json
from fake_github.store import Store
from fake_github.surfaces import check_run_requests
from fake_github.surfaces.check_run_store import Annotation, Change, CheckRun, CheckRunStore, appears_in
from fake_github.surfaces.surface import REPOSITORY, Endpoint, Visit

_RUN = rf"{REPOSITORY}/check-runs/(?P<ref>\d+)"
_WEB = "https://github.com"


class CheckRuns:
    """The surface of check runs: each is created once, by an App, and then changed; annotations are only ever added."""

    name = "check_runs"
    permission = "checks"
    for_apps = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self.runs = CheckRunStore(store)
        self.foreign: Json = {"name": "somebody/else"}
        listed = re.compile(rf"{REPOSITORY}/commits/(?P<ref>.+)/check-runs")
        self.endpoints = (
            Endpoint("POST", re.compile(f"{REPOSITORY}/check-runs"), self._create, self._named, name="check_runs"),
            Endpoint("PATCH", re.compile(_RUN), self._update, self._named, name="check_run"),
            Endpoint("GET", re.compile(_RUN), self._get, self._named, name="check_run"),
            Endpoint("GET", re.compile(f"{_RUN}/annotations"), self._annotations, self._named, name="annotations"),
            Endpoint("GET", listed, self._list, name="check_runs"),
        )

    def held(self, base_url: str) -> list[Json]:
        """Every run, with its annotations."""
        return [
            {
                **self.body(run, base_url),
                "repository": run.repository,
                "sha": run.sha,
                "annotations": [_annotation(one, run) for one in run.annotations],
            }
            for run in self.runs.held()
        ]

    def body(self, run: CheckRun, base_url: str) -> Json:
        """The schema `check-run`."""
        described = example("check-run", base_url, run.repository, run.sha)
        url = f"{base_url}/repos/{run.repository}/check-runs/{run.id}"
        output = {name: getattr(run, name) for name in ("title", "summary", "text")}
        return {
            **described,
            **{name: getattr(run, name) for name in ("id", "name", "status", "conclusion", "external_id")},
            "head_sha": run.sha,
            "url": url,
            "html_url": f"{_WEB}/{run.repository}/runs/{run.id}",
            "details_url": run.details_url or f"{_WEB}/apps/app-{run.app_id}",
            "started_at": _time(run.started_at),
            "completed_at": _time(run.completed_at),
            "output": {
                **output, "annotations_count": len(run.annotations), "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": self.runs.suite_id(run)},
            "app": _app(described["app"], run.app_id),
            "pull_requests": [],
        }  # fmt: skip

    def too_many(self) -> Answer:
        """The refusal of more annotations than a request takes."""
        return check_run_requests.too_many_annotations(check_run_requests.MAX_ANNOTATIONS + 1)

    def _named(self, asked: Json, ref: str) -> Json:
        run = self.runs.of_id(int(ref)) if ref else None
        return {
            "sha": run.sha if run else asked.get("head_sha", ""),
            "context": asked.get("name", run.name if run else None),
            "state": asked.get("conclusion", asked.get("status")),
            "external_id": asked.get("external_id"),
        }

    def _create(self, visit: Visit) -> Answer:
        read = check_run_requests.creation(visit.call.body)
        if isinstance(read, Answer):
            return read
        fields, annotations = read
        sha = str(fields.pop("head_sha"))
        if not re.fullmatch(r"[0-9a-fA-F]{40}", sha) or not visit.rules.has_commit(sha):
            return no_such_commit(sha)
        at = self._store.clock() + appears_in(visit.timing)
        blank = CheckRun(
            id=self._store.new_id(), repository=visit.repository, sha=sha.lower(), name=str(fields["name"]),
            app_id=visit.app.id if visit.app else 0, started_at=at, created_at=at,
        )  # fmt: skip
        run = Change(at, fields, annotations).of(blank)
        is_stored = visit.timing.store_in is not None
        if is_stored:
            self.runs.add(run)
        body = self.body(run, visit.call.base_url)
        return Answer(201, body, {"location": str(body["url"])}, run.id if is_stored else None)

    def _update(self, visit: Visit) -> Answer:
        run = self._run(visit, current=True)
        if run is None or visit.app is None or run.app_id != visit.app.id:
            return not_found()
        read = check_run_requests.update(visit.call.body)
        if isinstance(read, Answer):
            return read
        change = Change(self._store.clock() + appears_in(visit.timing), *read)
        is_stored = visit.timing.store_in is not None
        if is_stored:
            self.runs.change(run.id, change)
        return Answer(
            200, self.body(change.of(run), visit.call.base_url), stored_id=run.id if is_stored else None
        )  # fmt: skip

    def _get(self, visit: Visit) -> Answer:
        run = self._run(visit)
        return not_found() if run is None else Answer(200, self.body(run, visit.call.base_url))

    def _annotations(self, visit: Visit) -> Answer:
        run = self._run(visit)
        if run is None:
            return not_found()
        shown, links = visit.page(run.annotations, f"check-runs/{run.id}/annotations")
        return Answer(200, [_annotation(one, run) for one in shown], links)

    def _list(self, visit: Visit) -> Answer:
        """The runs of a commit, newest first."""
        sha, asked = visit.rules.commit_named(visit.ref), visit.call.query
        if sha is None:
            return no_such_commit(visit.ref)
        runs = self.runs.of_commit(visit.repository, sha, visit.timing)[::-1]
        if asked.get("filter", "latest") == "latest":
            runs = latest(runs)
        wanted = (("check_name", "name"), ("app_id", "app_id"), ("status", "status"))
        filters = [(name, asked[given]) for given, name in wanted if given in asked]
        found = [run for run in runs if all(str(getattr(run, name)) == value for name, value in filters)]
        shown, links = visit.page(found, f"commits/{sha}/check-runs")
        bodies = [self.body(run, visit.call.base_url) for run in shown]
        return Answer(200, {"total_count": len(found), "check_runs": bodies}, links)

    def _run(self, visit: Visit, *, current: bool = False) -> CheckRun | None:
        """The run that a request names, in its repository; *current*: as it is, else as the request sees it."""
        run = self.runs.of_id(int(visit.ref), None if current else visit.timing)
        return run if run and run.commit[0] == visit.repository.lower() else None


def latest(newest_first: list[CheckRun]) -> list[CheckRun]:
    """The run of each App and name that was completed last; one that is open only where none is completed.

    That GitHub goes by `completed_at` is documented, what it does with open runs is not.
    """
    found: dict[tuple[int, str], CheckRun] = {}
    for run in newest_first:
        best = found.setdefault((run.app_id, run.name), run)
        if run.completed_at and (best.completed_at is None or run.completed_at > best.completed_at):
            found[run.app_id, run.name] = run
    return [run for run in newest_first if found[run.app_id, run.name] is run]


def _app(described: object, number: int) -> Json:
    assert isinstance(described, dict)
    slug = f"app-{number}"
    return {**described, "id": number, "slug": slug, "name": slug, "html_url": f"{_WEB}/apps/{slug}"}


def _annotation(one: Annotation, run: CheckRun) -> Json:
    """The schema `check-annotation`."""
    given = asdict(one)
    blob = f"{_WEB}/{run.repository}/blob/{run.sha}/{one.path}"
    return {"annotation_level": given.pop("level"), **given, "blob_href": blob}


def _time(at: datetime | None) -> str | None:
    return None if at is None else time(at)
