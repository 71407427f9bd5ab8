"""Builds statuses and commits in the schemas of GitHub's API description."""

from base64 import b64encode
from datetime import datetime

from fake_github.exchange import Json
from fake_github.store import Status, combined_state, latest

LOGIN = "reportback-bot"
USER_ID = 41898282


def time(at: datetime) -> str:
    """UTC with a resolution of one second: https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    """An opaque id, unique across kinds."""
    return b64encode(f"{kind}{number}".encode()).decode()


def status(held: Status, base_url: str) -> Json:
    """The schema `status`. Its `url` names the statuses of the commit: no single one can be read."""
    return {**simple_status(held, base_url), "creator": user(LOGIN, USER_ID, base_url)}


def simple_status(held: Status, base_url: str) -> Json:
    """The schema `simple-commit-status`: one without its creator."""
    return {
        "url": f"{base_url}/repos/{held.repository}/statuses/{held.sha}",
        "avatar_url": f"{base_url}/avatars/{USER_ID}",
        "id": held.id,
        "node_id": node_id("StatusContext", held.id),
        "state": held.state,
        "description": held.description,
        "target_url": held.target_url,
        "context": held.context,
        "created_at": time(held.created_at),
        "updated_at": time(held.created_at),
    }


def combined(repository: Json, sha: str, newest_first: list[Status], shown: slice, base_url: str) -> Json:
    """The schema `combined-commit-status`, with the *shown* part of the latest statuses."""
    statuses = latest(newest_first)
    commit_url = f"{repository['url']}/commits/{sha}"
    return {
        "state": combined_state(statuses),
        "statuses": [simple_status(one, base_url) for one in statuses[shown]],
        "sha": sha,
        "total_count": len(statuses),
        "repository": repository,
        "commit_url": commit_url,
        "url": f"{commit_url}/status",
    }


def commit(repository: str, sha: str, base_url: str) -> Json:
    """The schema `commit`, from nothing but its sha."""
    url = f"{base_url}/repos/{repository}"
    author = {"name": LOGIN, "email": f"{LOGIN}@example.com", "date": "2026-01-01T00:00:00Z"}
    unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    return {
        "url": f"{url}/commits/{sha}",
        "sha": sha,
        "node_id": b64encode(f"Commit{sha}".encode()).decode(),
        "html_url": f"{base_url}/{repository}/commit/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{sha}",
            "author": author,
            "committer": author,
            "message": "A commit of the stand-in",
            "tree": {"url": f"{url}/git/trees/{sha}", "sha": sha},
            "comment_count": 0,
            "verification": unsigned,
        },
        "author": user(LOGIN, USER_ID, base_url),
        "committer": user(LOGIN, USER_ID, base_url),
        "parents": [],
    }


def user(login: str, number: int, base_url: str) -> Json:
    """The schema `simple-user`."""
    url = f"{base_url}/users/{login}"
    links = {
        f"{what}_url": f"{url}/{path}"
        for what, path in {
            "followers": "followers",
            "following": "following{/other_user}",
            "gists": "gists{/gist_id}",
            "starred": "starred{/owner}{/repo}",
            "subscriptions": "subscriptions",
            "organizations": "orgs",
            "repos": "repos",
            "events": "events{/privacy}",
            "received_events": "received_events",
        }.items()
    }
    return {
        "login": login,
        "id": number,
        "node_id": node_id("User", number),
        "avatar_url": f"{base_url}/avatars/{number}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{base_url}/{login}",
        **links,
        "type": "User",
        "site_admin": False,
    }
