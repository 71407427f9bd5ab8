"""Resolves a branch, tag or abbreviated hash to a commit, as pure functions."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

_WHOLE = 40


def commit_named(ref: str, refs: Mapping[str, str], commits: AbstractSet[str] | None) -> str | None:
    """The sha of *ref*, a branch or tag of *refs* or a hash, perhaps abbreviated. None: there is none, or several.

    *commits*: the only ones there are; None: every whole hash is one.
    https://docs.github.com/rest/commits/commits#get-a-commit
    """
    name = re.sub(r"^(refs/)?(heads|tags)/", "", ref)
    if name in refs:
        return refs[name]
    sha, known = ref.lower(), {*refs.values(), *(commits or ())}
    if not re.fullmatch(r"[0-9a-f]{4,40}", sha):
        return None
    if len(sha) == _WHOLE:
        return sha if commits is None or sha in known else None
    meant = [one for one in known if one.startswith(sha)]
    return meant[0] if len(meant) == 1 else None
