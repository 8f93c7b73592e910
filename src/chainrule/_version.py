"""The version, which model files, pickles and pages name."""

import warnings

from chainrule.errors import InconsistentVersionWarning

__version__ = "0.2.0"


def check_version(what: str, version: str | None) -> None:
    """Warn of something that was pickled by another version; None: one that did not say which."""
    if version != __version__:
        by = "an older chainrule" if version is None else f"chainrule {version}"
        warnings.warn(
            f"this {what} was pickled by {by}, and is read by {__version__}: its answers may differ, or fail; `save` writes "
            "files that later versions read",
            InconsistentVersionWarning,
            stacklevel=3,
        )
