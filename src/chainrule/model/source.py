"""What a model is trained on and asked about: a file, a data frame, or a table already read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Annotated, Any, TypeAlias

from chainrule._doors import setting
from chainrule._forks import check_polars
from chainrule._plain import IF_SET, Plain, one_of
from chainrule.errors import SettingsError
from chainrule.tables.files.read import check_decimal, read_table
from chainrule.tables.files.unpack import UNPACK_LIMIT, size_of
from chainrule.tables.spelling.dress import THOUSANDS
from chainrule.tables.spelling.spellings import DATE_ORDERS
from chainrule.tables.spelling.values import DEFAULT_MISSING, check_texts
from chainrule.tables.table import INFINITE, Table, from_frame

Source: TypeAlias = Any
"""A path (``-``: standard input), a `Table`, or a data frame: polars, pandas, a dict of columns."""

_SIGNS = {"space": " ", "apostrophe": "'"}
"""Signs that are hard to write, by name."""


@dataclass(frozen=True)
class Reading(Plain, names=("decimal", "missing", "thousands", "dates", "infinite")):
    """How a table is read: the words of `read_table`, where ``missing`` adds to the words known anyway.

    ``thousands`` is the sign between groups of digits, where it is not left to the cells; ``dates`` whether the day or the
    month is first in dates that don't show it; ``infinite`` whether infinite numbers are missing cells or refused. A model
    keeps these, ``decimal`` and ``missing``, so that a new table is read as the one it was trained on; the delimiter, the
    encoding and the limit of what a compressed file unpacks to belong to a single file.
    """

    delimiter: str | None = None
    decimal: Annotated[str, one_of((".", ","))] = "."
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    thousands: Annotated[str, one_of(THOUSANDS), IF_SET] = ""
    dates: Annotated[str, one_of(("", *DATE_ORDERS)), IF_SET] = ""
    infinite: Annotated[str, one_of(INFINITE), IF_SET] = INFINITE[0]
    unpack_limit: int | str = UNPACK_LIMIT

    def __post_init__(self) -> None:
        check_texts(self.missing, setting("missing"))
        if self.thousands == self.decimal:
            raise SettingsError(
                f"{setting('thousands', self.thousands)} is the decimal sign, too; choose another"
            )

    def changed(
        self,
        delimiter: str | None = None,
        decimal: str | None = None,
        encoding: str | None = None,
        missing: Sequence[str] | None = None,
        thousands: str | None = None,
        dates: str | None = None,
        infinite: str | None = None,
        unpack_limit: int | str | None = None,
    ) -> Reading:
        """Return the reading with these words instead; None leaves one as it is.

        The decimal sign and that of thousands say each other, if one of them is a point or a comma.
        """
        is_list = isinstance(missing, Collection) and not isinstance(missing, str | Mapping)
        if not (missing is None or (is_list and all(isinstance(word, str) for word in missing))):
            raise SettingsError(f"{setting('missing')} {missing!r} must be a list of words, such as ['-999']")
        words = {
            "delimiter": delimiter, "decimal": decimal, "encoding": encoding, "thousands": thousands, "dates": dates,
            "infinite": infinite,
        }  # fmt: skip
        for name, word in words.items():
            if not isinstance(word, str | None):
                raise SettingsError(f"{setting(name)} {word!r} must be text")
        if decimal is not None:
            check_decimal(decimal)
        if thousands is not None:
            words["thousands"] = thousands = _SIGNS.get(thousands, thousands)
            if thousands not in THOUSANDS[1:]:
                raise SettingsError(
                    f"{setting('thousands')} {thousands!r} is unknown: choose . , apostrophe or space"
                )
        for name, known in (("dates", DATE_ORDERS), ("infinite", INFINITE)):
            if words[name] is not None and words[name] not in known:
                raise SettingsError(
                    f"{setting(name)} {words[name]!r} is unknown: choose {' or '.join(known)}"
                )
        if decimal == "." and thousands is None:
            words["thousands"] = ","
        elif decimal == "," and thousands is None and self.thousands == ",":
            words["thousands"] = ""
        elif decimal is None and thousands in (".", ","):
            words["decimal"] = "," if thousands == "." else "."
        given: dict[str, Any] = {name: word for name, word in words.items() if word is not None}
        if unpack_limit is not None:
            given["unpack_limit"] = size_of(unpack_limit)
        return replace(self, **given, missing=self.missing if missing is None else tuple(missing))

    @property
    def words(self) -> tuple[str, ...]:
        """All words that mean a missing cell."""
        return (*DEFAULT_MISSING, *self.missing)

    def table(self, source: Source) -> Table:
        """Return the table of a source; a `Table` as it is. Raises TableError for what is no table.

        Of a data frame all but delimiter and encoding are about its text, and its infinite numbers; types are taken as they are.
        """
        check_polars()
        if isinstance(source, Table):
            return source
        signs: dict[str, Any] = {"decimal": self.decimal, "thousands": self.thousands, "dates": self.dates}
        if isinstance(source, str | PathLike) or _are_paths(source):
            own: dict[str, Any] = {
                "delimiter": self.delimiter,
                "encoding": self.encoding,
                "infinite": self.infinite,
                "unpack_limit": self.unpack_limit,
            }
            return read_table(source, **own, **signs, missing=self.words)
        if self.delimiter is not None or self.encoding is not None:
            raise SettingsError(
                f"{setting('delimiter')} and {setting('encoding')} are for tables in files: leave them out"
            )
        return replace(from_frame(source, missing=self.words, infinite=self.infinite), **signs)


def _are_paths(source: Source) -> bool:
    """Tell whether a source is a list of files."""
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(isinstance(one, str | PathLike) for one in source)
    )


READING = ("delimiter", "decimal", "encoding", "missing", "thousands", "dates", "infinite", "unpack_limit")
"""The words about how a table is read."""
