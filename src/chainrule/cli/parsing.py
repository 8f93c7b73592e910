"""How the words of a command are read: options with their groups, values with their types, mistakes in one line."""

from __future__ import annotations

import argparse
import shlex
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from chainrule._doors import COMMAND_LINE
from chainrule.cli.console import output_width
from chainrule.engines import REGISTRY
from chainrule.errors import SettingsError
from chainrule.training.settings.fields import Setting, listed

if TYPE_CHECKING:
    from chainrule.model.model import Model
    from chainrule.tables.table import Table

EXAMPLE_INDENT = "  "


def width() -> int:
    """Return the width of help: the terminal's, but no wider than lines are easy to read."""
    return min(output_width(80), 110)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=width())


class Parser(argparse.ArgumentParser):
    """A command's parser: options in named groups, examples at the end; a mistake raises SettingsError."""

    def __init__(self, command: str, usage: str, description: str, examples: str) -> None:
        indented = "\n".join(EXAMPLE_INDENT + line for line in examples.strip().splitlines())
        super().__init__(
            prog=f"chainrule {command}",
            usage=f"chainrule {command} {usage}",
            description=textwrap.fill(description, width()),
            epilog=f"examples:\n{indented}",
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=False,
        )
        self._groups: dict[str, Any] = {}
        self._names: list[str] = []
        self._with_value: set[str] = set()

    def option(self, group: str, *names: str, **how: Any) -> None:
        """Add an option, or an argument, to a group of the help."""
        if group not in self._groups:
            self._groups[group] = self.add_argument_group(group)
        action = self._groups[group].add_argument(*names, **how)
        self._names += action.option_strings
        if action.nargs is None:
            self._with_value.update(action.option_strings)

    def options(self, group: str, said: Mapping[str, str], **defaults: Any) -> None:
        """Add what can be given to a group, by how it is written, with what the help says of it.

        ``--row N`` takes a whole number, ``--all`` nothing, ``--only {a,b}`` one of these, and ``--out FILE`` a text;
        ``MODEL`` is an argument, ``[NAME]`` one that can be left out.
        """
        for written, words in said.items():
            name, _, sign = written.partition(" ")
            if not name.startswith("-"):
                nargs = "?" if name.startswith("[") else None
                name = name.strip("[]")
                self.option(group, name.lower(), metavar=name, nargs=nargs, help=words)
            elif not sign:
                self.option(group, name, action="store_true", help=words)
            else:
                how: dict[str, Any] = {"metavar": sign, "type": whole if sign == "N" else str}
                if sign.startswith("{"):
                    how = {"choices": sign[1:-1].split(",")}
                self.option(group, name, default=defaults.get(name[2:]), help=words, **how)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the values of the arguments, and as ``typed`` the command; raises SettingsError, SystemExit after --help."""
        self.option("help", "-h", "--help", action="help", help="show this help")
        options, unknown = self.parse_known_args(self._joined(arguments))
        if unknown:
            word = unknown[0].partition("=")[0]
            if word.startswith("-"):
                hint = closest(word, self._names)
                hint += "" if hint.endswith("?") else "."
                raise SettingsError(f"there is no option {word}; {hint} See {self.prog} --help")
            self.error(f"one argument too many: {word!r}; put it in quotes if it belongs to the one before")
        options.typed = shlex.join([*self.prog.split(), *arguments])
        return options

    def _joined(self, arguments: Sequence[str]) -> list[str]:
        """Join an option to a value that begins with a dash: ``--missing -inf``, ``--activation -z``."""
        joined: list[str] = []
        for word in arguments:
            before = joined[-1] if joined else ""
            is_value = word.startswith("-") and word.partition("=")[0] not in self._names
            if is_value and before in self._with_value:
                joined[-1] = f"{before}={word}"
            else:
                joined.append(word)
        return joined

    def print_help(self, file: Any = None) -> None:
        """Print the help; raises OSError where that fails, of which argparse's own says nothing."""
        print(self.format_help(), end="", file=file, flush=True)

    def error(self, message: str) -> NoReturn:
        """Raise SettingsError with one line."""
        lacking = "the following arguments are required: "
        if message.startswith(lacking):
            names = message.removeprefix(lacking).split(", ")
            message = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing"
        raise SettingsError(f"{message.removeprefix('argument ')}; see {self.prog} --help")


def closest(word: str, known: Iterable[str]) -> str:
    """Propose the known words nearest to one, else list them where there are few."""
    words = list(known)
    near = get_close_matches(word, words, n=2, cutoff=0.7)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"choose {', '.join(words)}" if len(words) <= 20 else "none is similar"


def notation_option(parser: Parser, group: str) -> None:
    """Add the option that says whose names the numbers have."""
    words = "whose names the numbers have: an article's or a book's, such as article-5 or nielsen, or a file of your own"
    parser.option(group, "--as", dest="notation", metavar="NOTATION", help=f"{words} that ends in .toml")


def _reader(read: Callable[[str], Any], words: str) -> Callable[[str], Any]:
    """Return a reader of a value that is refused in words where ``read`` raises ValueError."""

    def reader(text: str) -> Any:
        try:
            return read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is {words}") from None

    return reader


def _sizes(text: str) -> tuple[int, ...]:
    return () if text.strip().lower() == "none" else tuple(int(part) for part in text.split(","))


whole = _reader(int, "not a whole number")
number = _reader(float, "not a number")


def parse_factors(text: str) -> dict[str, float]:
    """Return numbers by name: ``b=0.1,alpha=0.1``."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals) or name in found:
            words = "not a name and its number, each name once, such as b=0.1"
            raise argparse.ArgumentTypeError(f"{part!r} is {words}")
        found[name] = number(value)
    return found


def parse_kinds(text: str) -> tuple[str, str]:
    """Return a column and its kind: ``zip=text``."""
    name, equals, kind = text.rpartition("=")
    if not (name and equals and kind):
        raise argparse.ArgumentTypeError(f"{text!r} is not a column and its kind, such as zip=text")
    return name, kind.strip()


def parse_values(text: str) -> dict[str, float]:
    """Return numbers by address: ``W[1][1,2]=0.1,b[1]=0.35``."""
    found: dict[str, float] = {}
    for part in parse_addresses(text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals) or name in found:
            words = "not an address and its number, each once, such as W[1][1,2]=0.1"
            raise argparse.ArgumentTypeError(f"{part!r} is {words}")
        found[name] = number(value)
    return found


def parse_addresses(text: str) -> list[str]:
    """Split at commas outside square brackets, so that ``W[1][1,2],b[1]`` has two parts."""
    return parse_words(text, "[]")


def parse_words(text: str, brackets: str = "()") -> list[str]:
    """Split at commas outside brackets, so that ``relu,where(z > 0, z, 0)`` has two parts."""
    opens, closes = brackets[0], brackets[1]
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == opens) - (sign == closes)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def parse_columns(text: str, known: Collection[str]) -> list[str]:
    """Return the columns between commas, where a column's own name may hold some: the longest names that are known."""
    if text in known:
        return [text]
    parts, found = parse_words(text), []
    while parts:
        lengths = range(len(parts), 0, -1)
        named = ((n, sign.join(parts[:n])) for n in lengths for sign in (",", ", "))
        n, name = next(((n, name) for n, name in named if name in known), (1, parts[0]))
        found.append(name)
        parts = parts[n:]
    return found


def one_or_more(text: str) -> str | tuple[str, ...]:
    """Return the one name or formula, or those between commas."""
    parts = parse_words(text)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _number_or_text(text: str) -> float | str:
    """Return a number where a text is one."""
    try:
        return float(text)
    except ValueError:
        return text


READERS: Mapping[str, Callable[[str], Any]] = {
    "whole": whole,
    "number": number,
    "rows": _reader(
        lambda text: text if text == "all" else int(text), "neither a whole number of rows nor all"
    ),
    "sizes": _reader(_sizes, "not a list of whole numbers such as 64,32, nor none"),
    "factors": parse_factors,
    "numbers": parse_values,
    "addresses": parse_addresses,
    "texts": one_or_more,
    "weights": lambda text: text if "=" not in text else parse_factors(text),
    "threshold": _number_or_text,
    "kinds": parse_kinds,
}
"""How the value of an option is read, by the kind of its setting; others are text as it stands."""


def setting_option(parser: Parser, setting: Setting) -> None:
    """Add the option of a setting; a flag that the recipe may set can be switched off, too."""
    name, said = COMMAND_LINE.setting(setting.name), setting.said(COMMAND_LINE)
    if setting.kind.name != "flag":
        read, action = (
            READERS.get(setting.kind.name),
            "append" if setting.kind.name in ("columns", "kinds") else "store",
        )
        parser.option(setting.group, name, metavar=setting.sign, type=read, action=action, help=said)
    elif setting.default is None:
        parser.option(setting.group, name, action=argparse.BooleanOptionalAction, help=said)
    else:
        parser.option(setting.group, name, action="store_true", default=None, help=said)


def settings_given(options: argparse.Namespace, cls: type[Any]) -> dict[str, Any]:
    """Return the settings of a class that were given; the others are left to it."""
    values = {one.name: getattr(options, one.name) for one in listed(cls)}
    return {name: value for name, value in values.items() if value is not None}


def names_among(values: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return the columns of ``--inputs a,b --inputs c``."""
    return [name for value in values for name in parse_columns(value, columns)]


def model_and_table(parser: Parser, table: str) -> None:
    """Add the arguments of a command that applies a model to a table."""
    said = {"MODEL": "a file that chainrule train wrote", "TABLE": f"{table}; - is standard input"}
    parser.options("files", said)


def opened(options: argparse.Namespace) -> tuple[Model, Table]:
    """Return the model and the table that a command is about."""
    from chainrule.model.model import Model

    model = Model.load(options.model)
    return model, model.table(options.table, **reading(options))


def check_numbers(options: argparse.Namespace, *names: str) -> None:
    """Raise SettingsError for a count below 1, or a seed that can't be one."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value < 1:
            raise SettingsError(f"--{name} {value} must be at least 1")
    if not 0 <= options.seed < 2**64:
        raise SettingsError(f"--seed {options.seed} must be at least 0 and less than 2^64")


def thread_option(parser: Parser, group: str) -> None:
    """Add the option for the number of threads."""
    threaded = " and ".join(row.name for row in REGISTRY.values() if row.threaded)
    parser.options(group, {"--threads N": f"of the {threaded} engine; all processors if not given"})


def reading_options(parser: Parser, *, trained: bool) -> None:
    """Add the options about reading tables; ``trained``: what is not given is as it was in training."""
    as_before = "; as in training if not given" if trained else ""
    said = {
        "--delimiter SIGN": "between the cells of text; found if not given",
        "--decimal SIGN": f"the decimal sign of numbers in text, . or ,{as_before or ' (default .)'}",
        "--encoding NAME": "of text; UTF-8, else Latin-1, if not given",
    }
    said |= {
        "--thousands SIGN": f"between groups of digits: . , apostrophe or space{as_before or '; found if not given'}",
        "--dates ORDER": f"of 04/02/2020, day-, month- or year-first{as_before or '; found, else day-first'}",
        "--infinite WHAT": f"what infinite numbers are: missing cells, or refuse{as_before or ' (default missing)'}",
    }
    said["--unpack-limit SIZE"] = "what a compressed file may unpack to, such as 8G (default 1G)"
    parser.options("tables", said)
    missing = f"also means that a cell is missing, beside empty, NA, null …; can be repeated{as_before}"
    parser.option("tables", "--missing", metavar="WORD", action="append", help=missing)


def reading(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options about reading tables by name."""
    from chainrule.model.source import READING

    return {name: getattr(options, name) for name in READING}
