"""Paths of files and folders within a working copy, as jobs.toml names them."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _inside(path: str) -> str:
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not path.isprintable():
        raise ValueError(f'{path!r} must lead into the working copy: relative, without ".", ".." and empty names')
    if ".git" in map(str.lower, parts):
        raise ValueError(f"{path!r} leads into a folder of git's own")
    return "/".join(parts)


WorkingCopyPath = Annotated[str, Field(min_length=1, max_length=250), AfterValidator(_inside)]
"""A file or folder of the working copy, relative to it; not a pattern."""

Paths = Annotated[tuple[WorkingCopyPath, ...], Field(min_length=1, max_length=50)]
