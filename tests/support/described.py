"""A report, its requests, and GitHub's own description of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.delivery.report import Report
from domain.delivery.target import StatusState, Target

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
API = "https://api.github.com"
TOKEN = "ghs_123_abc.def-ghi"
SHA = "0123456789" * 4
TARGET = Target("Octo-Org/docs.site", SHA, "docs/build")
REPORT = Report(TARGET, StatusState.SUCCESS, "Built 7 pages", "https://ci.test/run#report-abc", "abc")
POST_URL = f"{API}/repos/Octo-Org/docs.site/statuses/{SHA}"
GET_URL = f"{API}/repos/Octo-Org/docs.site/commits/{SHA}/statuses"
DESCRIPTION: dict[str, Any] = json.loads(  # Any: GitHub's own document
    (Path(__file__).parent / "github_openapi" / "statuses.openapi.json").read_text(encoding="utf-8")
)
CREATE = DESCRIPTION["paths"]["/repos/{owner}/{repo}/statuses/{sha}"]["post"]
LIST = DESCRIPTION["paths"]["/repos/{owner}/{repo}/commits/{ref}/statuses"]["get"]
STATUS = CREATE["responses"]["201"]["content"]["application/json"]["examples"]["default"]["$ref"].rsplit("/", 1)[1]
CREATED = DESCRIPTION["components"]["examples"][STATUS]["value"] | {"context": TARGET.context}
NAMED = {"X-GitHub-Request-Id": "0681:62D5"}
"""In every answer of GitHub's."""
