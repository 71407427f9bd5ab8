"""The command `reportback app create`: makes a GitHub App from a manifest, and keeps its private key."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from console.github_app.manifest_page import code_from_github
from console.terminal import plain, results, say, write_json
from domain.addresses import site_of_api
from domain.delivery.outcome import note_of
from github_api.apps import CHECK_RUNS, CHECKOUT, PUSH, STATUSES, Refused
from github_api.credentials import key_file
from github_api.setup_check import AppDiagnostics, NewApp
from local.stack import free_port
from settings import Settings

PROJECT = "https://github.com/"

app = App(name="app")


@app.command
async def create(
    *,
    organization: str | None = None,
    name: str = "Reportback",
    push: bool = False,
    print_manifest: Annotated[bool, Parameter(name="--print-manifest")] = False,
    code: str | None = None,
    secret_block: Annotated[str | None, Parameter(name="--secret-block")] = None,
    port: int = 0,
) -> None:
    """Make a GitHub App from a manifest, in a browser, and keep its private key where the settings read it.

    Args:
        organization: The organization that it is to belong to, instead of you.
        name: Its name, which is to be unique on GitHub.
        push: It may also push what jobs change: *contents: write*.
        print_manifest: Print the manifest for someone else to post; --code finishes it.
        code: The code with which GitHub led back after a manifest was posted elsewhere; it is valid for an hour.
        secret_block: Keep the private key in a Secret block of this name in Prefect, instead of in a file.
        port: The port of this machine for the page; 0: a free one.

    Raises:
        ValueError: GitHub does not give the App, or there is a private key of it already.
    """
    settings = Settings()
    site = site_of_api(str(settings.github_api_url))
    address = f"{site}/organizations/{organization}/settings/apps/new" if organization else f"{site}/settings/apps/new"
    port = port or free_port()
    back = f"http://127.0.0.1:{port}/created"
    if print_manifest:
        say(f"Post this as the field `manifest` of a form to {address}, within an hour of that run --code CODE.")
        write_json(manifest(name, back, push=push))
        return
    if code is None:
        say(f"Open http://127.0.0.1:{port}/ in a browser on this machine, and press the button there and on GitHub.")
        code = await code_from_github(address, manifest(name, back, push=push), port)
    url = str(settings.github_api_url)
    async with AppDiagnostics(url, settings.timeout, lambda: datetime.now(UTC), ca_file=settings.ca_file) as github:
        made = await github.convert(code)
    match made:
        case Refused(outcome):
            raise ValueError(
                f"GitHub has not given the App: {note_of(outcome)}. If it shows in your settings, delete it there: its "
                "private key is given once"
            )
        case NewApp():
            await _keep(made, settings, secret_block)


def manifest(name: str, back: str, *, push: bool) -> dict[str, object]:
    """What GitHub makes the App from: it asks for what reporting, checking out and perhaps pushing need.

    https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
    """
    return {
        "name": name,
        "url": PROJECT,
        "description": "Shows the outcome of docs jobs on their commits.",
        "redirect_url": back,
        "public": False,
        "default_events": [],
        "default_permissions": {**CHECK_RUNS, **STATUSES, **(PUSH if push else CHECKOUT)},
    }


async def _keep(made: NewApp, settings: Settings, block: str | None) -> None:
    """Keep the private key, and write the lines of the environment that name it."""
    folder, credential = settings.app_keys, f"app:{made.client_id}" + (f"@{block}" if block else "")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if block:
        await _save(block, made.pem)
    else:
        _write(key_file(folder, made.client_id), made.pem)
    lines = [f"REPORTBACK_CREDENTIALS='{json.dumps({'*': credential})}'", f"REPORTBACK_APP_KEYS={folder}"]
    if made.webhook_secret:
        lines.append(f"REPORTBACK_WEBHOOK_SECRET={made.webhook_secret}")
    env = folder / f"{made.client_id}.env"
    _write(env, "".join(f"{line}\n" for line in lines))
    results().print(
        plain(
            f"{made.html_url} is made. Its private key is in "
            f"{f'the Secret block {block}' if block else key_file(folder, made.client_id)}.\n"
            f"1. Install it on your repositories: {made.html_url}/installations/new\n"
            f"2. Give the workers the lines in {env}, and start them anew.\n"
            "3. reportback doctor --repo owner/name"
        )
    )


def _write(file: Path, text: str) -> None:
    """Write a new file that only this user can read. Raises ValueError: there is one."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ValueError(f"{file} is there already: move it away") from None
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)


async def _save(block: str, pem: str) -> None:
    from prefect.blocks.system import Secret  # noqa: PLC0415  # loads Prefect, which takes seconds

    await Secret(value=pem).save(block)
