"""Checks bodies against GitHub's description of its API."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from openapi_schema_validator import OAS30Validator, oas30_format_checker


@cache
def description(name: str) -> Any:  # noqa: ANN401  # GitHub's own document
    """GitHub's description of "statuses" or "checks".

    What is `nullable` is null in GitHub's own answers also where its `enum` does not list that.
    """
    path = Path(__file__).parent / "github_openapi" / f"{name}.openapi.json"
    return json.loads(path.read_text("utf-8"), object_hook=_with_null)


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    is_open = schema.get("nullable") is True and isinstance(schema.get("enum"), list)
    return {**schema, "enum": [*schema["enum"], None]} if is_open else schema


def assert_described(name: str, path: str, method: str, response: httpx.Response) -> None:
    """The body fits the schema that GitHub gives for *response* to *method* on *path*."""
    found = description(name)
    described = found["paths"][path][method]["responses"][str(response.status_code)]
    while "$ref" in described:
        described = found["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    assert_fits(name, described["content"]["application/json"]["schema"], response.json())


def assert_request_described(name: str, path: str, method: str, request: httpx.Request) -> None:
    """The body of *request* fits the schema that GitHub gives for *method* on *path*."""
    described = description(name)["paths"][path][method]["requestBody"]
    assert_fits(name, described["content"]["application/json"]["schema"], json.loads(request.content))


def assert_fits(name: str, schema: dict[str, Any], body: object) -> None:
    """*body* fits *schema*, which may refer to components of the description *name*."""
    rooted = {**schema, "components": description(name)["components"]}  # so that references resolve
    OAS30Validator(rooted, format_checker=oas30_format_checker).validate(body)
