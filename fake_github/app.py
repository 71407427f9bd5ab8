"""Combines the stand-in in one ASGI application: the API, the pages, and the interface to script faults."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qs, urlencode

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from fake_github import pages
from fake_github.api import Api, Sleep
from fake_github.apps import Apps
from fake_github.faults import Fault, Script
from fake_github.github import GitHub
from fake_github.requests import Requests
from fake_github.store import Clock, Store
from fake_github.surfaces.check_run_store import Change, CheckRun
from fake_github.surfaces.check_runs import CheckRuns
from fake_github.surfaces.commit_statuses import CommitStatuses
from fake_github.surfaces.surface import Rules, Surface

_FAULTS = TypeAdapter(list[Fault])


class _Change(BaseModel):
    """A change of an installation: the fields that are given."""

    model_config = ConfigDict(extra="forbid")

    suspended: bool = False
    permissions: dict[str, Literal["read", "write"]] = {}
    repositories: list[str] | None = None


class FakeGitHub:
    """A stand-in GitHub and its data. `app` is its ASGI application."""

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        apps: Apps | None = None,
        clock: Clock = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """*clock* and *sleep* are its only sources of time, so that a test can step it.

        *apps*: its GitHub Apps, which alone may write check runs.
        """
        self.store = Store(clock)
        self._check_runs = CheckRuns(self.store)
        self._surfaces = (CommitStatuses(self.store), self._check_runs)
        self.script = Script()
        self.requests = Requests()
        self.apps = apps or Apps()
        self._github = GitHub(self.store, rules or Rules(), self._surfaces, self.apps)
        self.app = Starlette(
            routes=[
                Mount(
                    "/_stand_in",
                    routes=[
                        Route("/health", self._health),
                        Route("/faults", self._faults_to_come),
                        Route("/faults", self._add_faults, methods=["POST"]),
                        Route("/faults", self._clear_faults, methods=["DELETE"]),
                        Route("/requests", self._requests_seen),
                        Route("/tokens", self._tokens_made),
                        Route("/tokens", self._revoke_tokens, methods=["DELETE"]),
                        Route("/installations/{number:int}", self._change_installation, methods=["PATCH"]),
                        Route("/installations/{number:int}", self._uninstall, methods=["DELETE"]),
                        Route("/check_runs/{number:int}", self._change_check_run, methods=["PATCH"]),
                        Route("/check_runs/{number:int}", self._delete_check_run, methods=["DELETE"]),
                        *(Route(f"/{one.name}", self._held_of(one)) for one in self._surfaces),
                    ],
                ),
                Route("/settings/apps/new", self._make_app, methods=["POST"]),
                Route("/organizations/{owner}/settings/apps/new", self._make_app, methods=["POST"]),
                Route("/", self._home_page),
                Route("/{owner}/{repo}/commit/{sha}", self._commit_page),
                Mount("/", app=Api(self._github, self.script, self.requests, sleep)),
            ]
        )
        self.app.router.redirect_slashes = False  # a trailing slash is a 404 on GitHub

    def check_runs(self, repository: str, sha: str) -> list[CheckRun]:
        """The check runs that a commit holds by now, oldest first."""
        return self._check_runs.runs.of_commit(repository, sha)

    def held_check_runs(self) -> list[CheckRun]:
        """The check runs of all commits by now, oldest first."""
        return self._check_runs.runs.held()

    def all_check_runs(self) -> str:
        """All that was ever stored of check runs, or will be later, in words: to compare two stand-ins."""
        return repr(self._check_runs.runs)

    def add_check_run(self, run: CheckRun) -> None:
        """Hold *run*, of whatever App and time."""
        self._check_runs.runs.add(run)

    def delete_check_run(self, number: int) -> None:
        """Delete a run, as GitHub deletes the oldest of more than a thousand of one name."""
        self._check_runs.runs.delete(number)

    def change_check_run(self, number: int, **fields: object) -> None:
        """Change *fields* of a run without a request, such as its `app_id`: another App's is answered 404."""
        self._check_runs.runs.change(number, Change(self.store.clock(), fields))

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def _faults_to_come(self, _request: Request) -> Response:
        return JSONResponse(_FAULTS.dump_python(self.script.to_come, mode="json"))

    async def _add_faults(self, request: Request) -> Response:
        try:
            faults = _FAULTS.validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"errors": error.errors(include_url=False, include_context=False)}, 422)
        self.script.add(*faults)
        return JSONResponse({"to_come": len(self.script.to_come)}, 201)

    async def _clear_faults(self, _request: Request) -> Response:
        self.script.clear()
        return Response(status_code=204)

    async def _requests_seen(self, _request: Request) -> Response:
        return JSONResponse([seen.as_json() for seen in self.requests.seen])

    @staticmethod
    def _held_of(surface: Surface) -> Callable[[Request], Response]:
        return lambda request: JSONResponse(surface.held(str(request.base_url).rstrip("/")))

    async def _tokens_made(self, _request: Request) -> Response:
        """The tokens of installations, oldest first, without their values."""
        made = self.apps.tokens.values()
        return JSONResponse(
            [
                {
                    "installation": one.installation.id, "permissions": dict(one.permissions),
                    "repositories": one.repositories, "made_at": one.made_at.isoformat(),
                    "expires_at": one.expires_at.isoformat(),
                }
                for one in made
            ]
        )  # fmt: skip

    async def _revoke_tokens(self, _request: Request) -> Response:
        self.apps.revoke()
        return Response(status_code=204)

    async def _change_installation(self, request: Request) -> Response:
        try:
            change = _Change.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"errors": error.errors(include_url=False, include_context=False)}, 422)
        is_there = self.apps.change(request.path_params["number"], **change.model_dump(exclude_unset=True))
        return Response(status_code=204 if is_there else 404)

    async def _uninstall(self, request: Request) -> Response:
        self.apps.uninstall(request.path_params["number"])
        return Response(status_code=204)

    async def _change_check_run(self, request: Request) -> Response:
        number, change = request.path_params["number"], json.loads(await request.body())
        if self._check_runs.runs.of_id(number) is None:
            return Response(status_code=404)
        self.change_check_run(number, app_id=int(change["app_id"]))
        return Response(status_code=204)

    async def _delete_check_run(self, request: Request) -> Response:
        number = request.path_params["number"]
        if self._check_runs.runs.of_id(number) is None:
            return Response(status_code=404)
        self.delete_check_run(number)
        return Response(status_code=204)

    async def _make_app(self, request: Request) -> Response:
        """GitHub's page for a manifest, with its button pressed: the way back, with the code to convert.

        https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
        """
        fields = parse_qs((await request.body()).decode())
        manifest = json.loads(fields["manifest"][0])
        back = {"code": self._github.of_apps.propose(manifest), "state": request.query_params.get("state", "")}
        return RedirectResponse(f"{manifest['redirect_url']}?{urlencode(back)}", 302)

    async def _home_page(self, _request: Request) -> Response:
        return HTMLResponse(pages.home(self.store.held(), self._check_runs.runs.held()))

    async def _commit_page(self, request: Request) -> Response:
        repository = f"{request.path_params['owner']}/{request.path_params['repo']}"
        sha = request.path_params["sha"]
        statuses, runs = self.store.of_commit(repository, sha), self.check_runs(repository, sha)[::-1]
        return HTMLResponse(pages.commit(repository, sha, statuses, runs))
