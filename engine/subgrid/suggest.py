"""Wording of choices in error messages: what was meant, perhaps, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN_CHOICES = 40


def near_miss(name: str, choices: Iterable[str]) -> str:
    """``"did you mean 'leith'?"`` when a choice is close to ``name``, else an empty string."""
    by_folded = {choice.casefold(): choice for choice in choices}
    close = get_close_matches(name[:200].casefold(), by_folded, n=1, cutoff=0.6)
    return f"did you mean '{by_folded[close[0]]}'?" if close else ""


def choose_from(name: str, choices: Iterable[str]) -> str:
    """A near miss, if there is one, and the valid choices: ``"did you mean 'leith'? choose from leith, none"``."""
    names = sorted(choices)
    shown = ", ".join(names[:SHOWN_CHOICES]) + (", ..." if len(names) > SHOWN_CHOICES else "")
    listed = f"choose from {shown}" if names else "there is nothing to choose from"
    hint = near_miss(name, names)
    return f"{hint} {listed}" if hint else listed
