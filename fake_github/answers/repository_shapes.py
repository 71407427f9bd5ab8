"""Builds repositories in the schemas of GitHub's API description, from their names and rules."""

from fake_github.answers.shapes import node_id, user
from fake_github.exchange import Json

_LINKS = {
    **{
        name: name
        for name in (
            *("contributors", "deployments", "downloads", "events", "forks", "hooks", "languages", "merges"),
            *("stargazers", "subscribers", "subscription", "tags", "teams"),
        )
    },
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "statuses": "statuses/{sha}",
    "trees": "git/trees{/sha}",
}


def repository(name: str, number: int, base_url: str) -> Json:
    """The schema `minimal-repository`."""
    url = f"{base_url}/repos/{name}"
    owner, _, short = name.partition("/")
    links = {f"{what}_url": f"{url}/{path}" for what, path in _LINKS.items()}
    return {
        "id": number,
        "node_id": node_id("Repository", number),
        "name": short,
        "full_name": name,
        "owner": user(owner, number, base_url),
        "private": False,
        "html_url": f"{base_url}/{name}",
        "description": None,
        "fork": False,
        "url": url,
        **links,
    }


_UNKNOWN = ("homepage", "language", "license", "mirror_url", "pushed_at", "created_at", "updated_at")
_COUNTS = (
    *("forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers"),
    *("watchers_count", "network_count", "subscribers_count"),
)
_HAS = ("downloads", "issues", "projects", "wiki", "pages", "discussions")


def full_repository(name: str, number: int, base_url: str, *, may_push: bool, is_archived: bool) -> Json:
    """The schema `full-repository`, for a user with or without write access."""
    url = f"{base_url}/{name}"
    addresses = {f"{what}_url": f"{url}.git" for what in ("clone", "git", "ssh")}
    return {
        **repository(name, number, base_url),
        **addresses,
        "svn_url": url,
        **dict.fromkeys(_UNKNOWN),
        **dict.fromkeys(_COUNTS, 0),
        **{f"has_{what}": False for what in _HAS},
        "default_branch": "main",
        "archived": is_archived,
        "disabled": False,
        "visibility": "public",
        "permissions": {"admin": False, "maintain": False, "push": may_push, "triage": may_push, "pull": True},
    }
