"""The words of errors and notes: the command line's options as parameters of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chainrule.errors import ChainruleError
from chainrule.training.settings.record import Settings

_MISSING = re.compile(r"--missing ('[^']*'|[^\s;,)]+)")
# Not in quotes: a cell of a table may look like an option.
_ON = re.compile(r"\badd --(recipe)\b")
_OFF = re.compile(r"(?<![\w'\"-])--no-([a-z][a-z0-9-]*)")
_OPTION = re.compile(r"(?<![\w'\"-])--([a-z][a-z0-9-]*)")
_HYPHENATED = re.compile(
    rf"\b({'|'.join(name.replace('_', '-') for name in Settings.__dataclass_fields__ if '_' in name)})\b"
)


def python_words(text: str, other: Mapping[str, str] | None = None) -> str:
    """Return a message with parameters in place of options; ``other`` are parameters that are called otherwise.

    >>> python_words("lower --learning-rate, or name it as missing with --missing x")
    "lower learning_rate, or name it as missing with missing=['x']"
    """
    text = _MISSING.sub(lambda match: f"missing=[{match[1]!r}]".replace("\"'", "'").replace("'\"", "'"), text)
    text = _ON.sub(lambda match: f"give {match[1]}=True", text)
    text = _OFF.sub(lambda match: f"{match[1].replace('-', '_')}=False", text)
    renamed = other or {}
    for pattern in (_OPTION, _HYPHENATED):
        text = pattern.sub(lambda match: renamed.get(match[1], match[1].replace("-", "_")), text)
    return text


@contextmanager
def in_python_words(other: Mapping[str, str] | None = None) -> Iterator[None]:
    """Let errors that are raised inside name parameters where they would name options."""
    try:
        yield
    except ChainruleError as error:
        error.args = (python_words(str(error), other),)
        raise
