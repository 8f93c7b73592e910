"""What a model is trained on and asked about: a file, a data frame, or a table already read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Annotated, Any, TypeAlias

from chainrule._doors import setting
from chainrule._forks import check_polars
from chainrule._plain import Plain, one_of
from chainrule.errors import SettingsError
from chainrule.tables.read import check_decimal, read_table
from chainrule.tables.table import Table, from_frame
from chainrule.tables.values import DEFAULT_MISSING, check_texts

Source: TypeAlias = Any
"""A path (``-``: standard input), a `Table`, or a data frame: polars, pandas, a dict of columns."""


@dataclass(frozen=True)
class Reading(Plain, names=("decimal", "missing")):
    """How a table is read: the words of `read_table`, where ``missing`` adds to the words known anyway.

    A model keeps ``decimal`` and ``missing``, so that a new table is read as the one it was trained on; the
    delimiter and the encoding belong to a single file.
    """

    delimiter: str | None = None
    decimal: Annotated[str, one_of((".", ","))] = "."
    encoding: str | None = None
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_texts(self.missing, setting("missing"))

    def changed(
        self, delimiter: str | None, decimal: str | None, encoding: str | None, missing: Sequence[str] | None
    ) -> Reading:
        """Return the reading with these words instead; None leaves one as it is."""
        is_list = isinstance(missing, Collection) and not isinstance(missing, str | Mapping)
        if not (missing is None or (is_list and all(isinstance(word, str) for word in missing))):
            raise SettingsError(f"{setting('missing')} {missing!r} must be a list of words, such as ['-999']")
        words = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}
        for name, word in words.items():
            if not isinstance(word, str | None):
                raise SettingsError(f"{setting(name)} {word!r} must be text")
        if decimal is not None:
            check_decimal(decimal)
        given: dict[str, Any] = {name: word for name, word in words.items() if word is not None}
        return replace(self, **given, missing=self.missing if missing is None else tuple(missing))

    @property
    def words(self) -> tuple[str, ...]:
        """All words that mean a missing cell."""
        return (*DEFAULT_MISSING, *self.missing)

    def table(self, source: Source) -> Table:
        """Return the table of a source; a `Table` as it is. Raises TableError for what is no table.

        In a data frame, ``decimal`` and ``missing`` are about its text; types are taken as they are.
        """
        check_polars()
        if isinstance(source, Table):
            return source
        if isinstance(source, str | PathLike):
            return read_table(
                source,
                delimiter=self.delimiter,
                decimal=self.decimal,
                encoding=self.encoding,
                missing=self.words,
            )
        if self.delimiter is not None or self.encoding is not None:
            raise SettingsError(
                f"{setting('delimiter')} and {setting('encoding')} are for tables in files: leave them out"
            )
        return replace(from_frame(source, missing=self.words), decimal=self.decimal)
