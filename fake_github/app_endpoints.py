"""The requests of GitHub Apps: https://docs.github.com/rest/apps."""

import re
import secrets
from collections.abc import Callable
from typing import TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fake_github.answers import refusals
from fake_github.answers.examples import example, of_repository, time
from fake_github.answers.paging import page_of
from fake_github.apps import App, Apps, Installation
from fake_github.exchange import Answer, Json
from fake_github.surfaces.surface import REPOSITORY, Endpoint, Visit

NOT_GRANTED = "The permissions requested are not granted to this installation."
"""https://github.com/peter-murray/workflow-application-token-action/issues/48"""
NO_REPOSITORY = "There is at least one repository that does not exist or is not accessible to the parent installation."
KEY_SIZE = 2048
NOBODY = "octocat/Hello-World"
"""The repository in whose name GitHub's examples are written."""

ForApp: TypeAlias = Callable[[App, Visit], Answer]


class AppEndpoints:
    """Answers requests that are not about what a commit shows; faults name them by `Endpoint.name`."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._manifests: dict[str, Json] = {}
        one_token = re.compile(r"/app/installations/(?P<ref>\d+)/access_tokens")
        code = re.compile("/app-manifests/(?P<ref>[^/]+)/conversions")
        self.endpoints = (
            _of_apps("GET", re.compile("/app"), self._as_app(_app), "app"),
            _of_apps("GET", re.compile("/app/installations"), self._as_app(_installations), "installations"),
            _of_apps("POST", one_token, self._as_app(self._make_token), "access_tokens"),
            _of_apps("GET", re.compile(f"{REPOSITORY}/installation"), self._as_app(_installation), "installation"),
            _of_apps("GET", re.compile("/installation/repositories"), self._repositories, "repositories"),
            _of_apps("POST", code, self._convert, "conversion"),
        )

    def propose(self, manifest: Json) -> str:
        """The code for an App that a person has made from *manifest* on GitHub's page."""
        code = secrets.token_hex(20)
        self._manifests[code] = manifest
        return code

    def _as_app(self, answer: ForApp) -> Callable[[Visit], Answer]:
        def checked(visit: Visit) -> Answer:
            app = self._apps.app_of(visit.call.token, visit.store.clock())
            return app if isinstance(app, Answer) else answer(app, visit)

        return checked

    def _make_token(self, app: App, visit: Visit) -> Answer:
        at = next((one for one in app.installations if one.id == int(visit.ref)), None)
        if at is None:
            return refusals.not_found()
        if at.suspended:
            return refusals.suspended()
        asked = visit.call.asked() or {}
        wanted = asked.get("permissions") or at.permissions
        repositories = _named(visit, asked, at)
        if repositories is not None and not all(map(at.has, repositories)):
            return refusals.refusal(422, NO_REPOSITORY)
        if not isinstance(wanted, dict) or not all(_grants(at, *one) for one in wanted.items()):
            return refusals.refusal(422, NOT_GRANTED)
        permissions = {"metadata": "read", **wanted}
        timing, now = visit.timing, visit.store.clock()
        if timing.store_in is None:
            return Answer(201, {})  # never seen: only a fault that replaces the answer makes nothing
        value, token = self._apps.make(
            app, at, permissions, repositories, now=now, works_in=timing.store_in + timing.lag
        )
        body = {
            **example("installation-token", visit.call.base_url, NOBODY),
            "token": value,
            "expires_at": time(token.expires_at),
            "permissions": permissions,
            "repository_selection": "all" if repositories is None else "selected",
            "repositories": [_repository(visit, name) for name in repositories or ()],
        }
        return Answer(201, body)

    def _repositories(self, visit: Visit) -> Answer:
        token = self._apps.token_of(visit.call.token)
        if token is None:
            return refusals.forbidden(403, "metadata=read")
        names = token.repositories if token.repositories is not None else token.installation.repositories or []
        shown, links = page_of(names, visit.call.query, f"{visit.call.base_url}/installation/repositories")
        selection = "all" if token.installation.repositories is None else "selected"
        listed = [_repository(visit, name) for name in shown]
        body = {"total_count": len(names), "repository_selection": selection, "repositories": listed}
        return Answer(200, body, links)

    def _convert(self, visit: Visit) -> Answer:
        """Make the App of a manifest: a code serves once, within an hour."""
        manifest = self._manifests.get(visit.ref)
        if manifest is None:
            return refusals.not_found()
        if visit.timing.store_in is None:
            return Answer(201, {})
        del self._manifests[visit.ref]
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_SIZE)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        permissions = manifest.get("default_permissions")
        app = App(
            f"Iv23li{secrets.token_hex(7)}", 1000 + len(self._apps.apps), public.decode(),
            {str(name): str(access) for name, access in permissions.items()} if isinstance(permissions, dict) else {},
        )  # fmt: skip
        self._apps.apps.append(app)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        body = {
            **example("integration-from-manifest", visit.call.base_url, NOBODY),
            **_about(app, str(manifest.get("name", ""))),
            "client_secret": secrets.token_hex(20),
            "webhook_secret": secrets.token_hex(20) if "hook_attributes" in manifest else None,
            "pem": private.decode(),
        }
        return Answer(201, body)


def _of_apps(method: str, path: re.Pattern[str], answer: Callable[[Visit], Answer], name: str) -> Endpoint:
    return Endpoint(method, path, answer, name=name, of_apps=True)


def _named(visit: Visit, asked: Json, at: Installation) -> list[str] | None:
    """The repositories that a token is asked for, as "owner/name". None: all of the installation."""
    names, numbers = asked.get("repositories"), asked.get("repository_ids")
    if isinstance(names, list):
        return [f"{at.account}/{name}" for name in names]
    if isinstance(numbers, list):
        return [visit.store.repository_named(int(number)) or "" for number in numbers]
    return None


def _grants(at: Installation, permission: str, access: object) -> bool:
    return permission == "metadata" or at.permissions.get(permission) in (
        ("write",) if access == "write" else ("read", "write")
    )


def _app(app: App, visit: Visit) -> Answer:
    about = {**example("integration", visit.call.base_url, NOBODY), **_about(app)}
    return Answer(200, {**about, "installations_count": len(app.installations)})


def _about(app: App, name: str = "") -> Json:
    slug = re.sub(r"\W+", "-", name.lower()).strip("-") or f"app-{app.id}"
    named = {"name": name or slug, "slug": slug, "html_url": f"https://github.com/apps/{slug}"}
    return {"id": app.id, "client_id": app.client_id, "permissions": app.permissions, **named}


def _installations(app: App, visit: Visit) -> Answer:
    shown, links = page_of(app.installations, visit.call.query, f"{visit.call.base_url}/app/installations")
    return Answer(200, [_described(app, one, visit) for one in shown], links)


def _installation(app: App, visit: Visit) -> Answer:
    at = next((one for one in app.installations if one.has(visit.repository)), None)
    return refusals.not_found() if at is None else Answer(200, _described(app, at, visit))


def _described(app: App, at: Installation, visit: Visit) -> Json:
    """The schema `installation`."""
    body = example("installation", visit.call.base_url, NOBODY)
    account = body["account"]
    assert isinstance(account, dict)
    return {
        **body,
        "id": at.id,
        "account": {**account, "login": at.account},
        "app_id": app.id,
        "client_id": app.client_id,
        "access_tokens_url": f"{visit.call.base_url}/app/installations/{at.id}/access_tokens",
        "permissions": {"metadata": "read", **at.permissions},
        "repository_selection": "all" if at.repositories is None else "selected",
        "suspended_at": time(visit.store.clock()) if at.suspended else None,
        "suspended_by": None,
    }


def _repository(visit: Visit, name: str) -> Json:
    return of_repository(name, visit.store.repository_id(name), visit.call.base_url)
