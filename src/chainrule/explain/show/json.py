"""Derivations as JSON that a page or a program in another language can read; its version is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chainrule._version import __version__
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.derive.lines import Derivation

VERSION = 1
"""The version of the format; it rises when what is there changes its meaning."""


def render_json(derivation: Derivation, source: Mapping[str, Any] | None = None) -> str:
    """Return a derivation as JSON: numbers with all their digits, formulas as trees and as text.

    ``source`` says in plain data where the numbers come from. `read_json` reads it back.
    """
    data = {
        "explanation_version": VERSION,
        "chainrule": __version__,
        "source": dict(source or {}),
        "derivation": derivation.to_dict(),
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def read_json(text: str) -> Derivation:
    """Return the derivation of `render_json`'s text; raises SettingsError for anything else."""
    try:
        data = json.loads(text)
        version = data["explanation_version"]
        if version != VERSION:
            raise SettingsError(f"the explanation has version {version!r}, and version {VERSION} is read")
        return Derivation.from_dict(data["derivation"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ModelFileError) as error:
        raise SettingsError(f"this is not the JSON of an explanation: {error}") from error
