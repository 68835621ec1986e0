"""Which packages the extras of a distribution ask for, from its metadata."""

from __future__ import annotations

import re
from importlib import metadata


def extras_of(distribution: str) -> dict[str, list[str]]:
    """Names of packages by extra; extras that only collect other extras, or serve development, are left out."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return {}
    extras: dict[str, list[str]] = {}
    for line in lines:
        name = re.match(r"[A-Za-z0-9_.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if name and extra and extra[1] != "dev" and name[0] != distribution:
            extras.setdefault(extra[1], []).append(name[0])
    return extras
