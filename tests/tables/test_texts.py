"""Short text: which columns are that, the hash, the words that count, and the same numbers through every door."""

import json
import math
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from chainrule import TableClassifier, TableRegressor, load, train
from chainrule.errors import ModelFileError, TableError
from chainrule.explain.attribute.cells import column_effects
from chainrule.explain.attribute.gradients import baseline_row, integrated_gradients
from chainrule.explain.derive.derivation import derive
from chainrule.explain.trace.sources import trace_rows
from chainrule.tables.encoding.encode import Encoder, fit_encoder
from chainrule.tables.encoding.hashing import fnv, tokens_of
from chainrule.tables.encoding.texts import (
    BUCKETS,
    CASES,
    MOST_BUCKETS,
    SEPARATORS,
    TWICE,
    TextWords,
    fit_words,
    label_of,
    words_of,
)
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame
from effort import many

LEVELS = ["Junior", "Senior", "Lead", "Chief", "", "Deputy"]
FIELDS = ["data", "cloud", "claims", "network", "C++", "crédit", "поиск", "sales"]
ROLES = ["engineer", "analyst", "manager", "clerk", "architect"]
SMALL: dict[str, Any] = {"hidden": [3], "members": 1, "epochs": 2, "recipe": False, "early_stopping": False}


def titles(n: int, seed: int = 0) -> list[str]:
    """Job titles of words that recur, nearly every one different."""
    rng = np.random.default_rng(seed)
    parts = [
        [words[i] for i in rng.integers(len(words), size=n)] for words in (LEVELS, FIELDS, FIELDS, ROLES)
    ]
    return [" ".join(word for word in row if word) for row in zip(*parts, strict=True)]


@cache
def salaries() -> dict[str, list[Any]]:
    """Job titles with one missing and one without a word, and what the words alone say of the pay."""
    cells: list[str | None] = list(titles(240))
    cells[7], cells[11] = None, "--- !"
    worth = {word: 3.0 * k for k, word in enumerate([*LEVELS, *FIELDS, *ROLES])}
    pay = [sum(worth.get(word, 0.0) for word in (cell or "").split()) for cell in cells]
    return {"title": cells, "b": [i % 4 for i in range(240)], "y": pay}


@cache
def encoder() -> Encoder:
    table = from_frame({"title": salaries()["title"]})
    return fit_encoder(table, infer_schema(table))


# The published values of the 32-bit hash, from the authors' own tests.
VECTORS = {
    "": 0x811C9DC5, "a": 0xE40C292C, "b": 0xE70C2DE5, "c": 0xE60C2C52, "d": 0xE10C2473, "e": 0xE00C22E0, "f": 0xE30C2799,
    "fo": 0x6222E842, "foo": 0xA9F37ED7, "foob": 0x3F5076EF, "fooba": 0x39AAA18A, "foobar": 0xBF9CF968,
}  # fmt: skip


@pytest.mark.parametrize("text", VECTORS)
def test_the_hash_has_its_published_values(text: str) -> None:
    assert fnv(text.encode()) == VECTORS[text]


def test_letters_become_small_as_unicode_says() -> None:
    covered = {code for first, last, step, _ in CASES for code in range(first, last + 1, step)}
    for first, last, step, by in CASES:
        for code in range(first, last + 1, step):
            assert chr(code).lower() == chr(code + by)
    scripts = [
        *range(0x180),
        *range(0x388, 0x3AC),
        *range(0x400, 0x557),
        *range(0x1E00, 0x1E96),
        *range(0x1EA0, 0x1F00),
    ]
    capitals = {c for c in scripts if chr(c).lower() != chr(c) and len(chr(c).lower()) == 1}
    assert capitals <= covered
    assert words_of("ÉCOLE İ ŁÓDŹ ΣΟΦΙΑ МЕНЕДЖЕР ԱՐԱՐԱՏ") == [
        "école",
        "İ",
        "łódź",
        "σοφια",
        "менеджер",
        "արարատ",
    ]
    assert not set(SEPARATORS) & set("abcxyzABCXYZ0189+#éß日")


@settings(max_examples=many(60))
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_tokens_are_words_and_their_character_n_grams(text: str) -> None:
    """Scikit-learn's n-grams within words are the judge of the pieces."""
    words = words_of(text)
    assert words == [w for w in re.split(f"[{re.escape(SEPARATORS)}]+", "".join(map(_small, text))) if w]
    ours = Counter(token for word in words for token in list(tokens_of(word, 3))[1:])
    judge = CountVectorizer(analyzer="char_wb", ngram_range=(3, 3), lowercase=False).build_analyzer()
    # A word of one sign is its own only piece, and counts once; other blanks than ours part words there.
    whole = [word for word in words if len(word) > 1 and len(word.split()) == 1]
    theirs = Counter(piece for word in whole for piece in judge(word))
    for word in words:
        if len(word) > 1 and word not in whole:
            return
    assert Counter({_framed(token): count for token, count in ours.items()}) == theirs


def _small(sign: str) -> str:
    code = ord(sign)
    by = next((by for a, z, step, by in CASES if a <= code <= z and (code - a) % step == 0), 0)
    return chr(code + by)


def _framed(token: str) -> str:
    return re.sub(">$", " ", re.sub("^<", " ", token))


CELLS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.lists(st.sampled_from([*LEVELS, *FIELDS, *ROLES, "unseen", "x", "Data", "DATA,"]), max_size=12).map(
        " ".join
    )
    | st.sampled_from(
        [None, "NA", " null ", "", " \t", "a" * 5_000, "data " * 3_000, 12, 1.5, True, float("nan")]
    )
)


@settings(max_examples=many(80))
@given(CELLS)
def test_a_row_has_the_bits_of_its_table(cell: Any) -> None:
    own = encoder()
    whole = own.transform(from_frame({"title": [cell]}))[0]
    assert own.by_row()({"title": cell}).tobytes() == whole.tobytes()
    assert own.by_row(dtype="float32")({"title": cell}).tobytes() == whole.astype(np.float32).tobytes()
    assert np.isfinite(whole).all()
    if isinstance(cell, str) and cell.strip() not in ("", "NA", "null"):
        words = own.columns[0].words
        assert words is not None
        counts = Counter(
            _fnv_by_hand(token) % BUCKETS for word in words_of(cell) for token in tokens_of(word, 3)
        )
        expected = [min(counts[bucket], words.most) / words.size for bucket in words.kept]
        if from_frame({"title": [cell]}).text("title")[0] is not None:
            assert whole.tolist() == [*expected, 0.0]


def _fnv_by_hand(text: str) -> int:
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def test_missing_without_words_and_unseen_are_told_apart() -> None:
    own = encoder()
    cells = [None, "", "NA", "--- !", "qqq zzz", "Data"]
    made = own.transform(from_frame({"title": cells}))
    assert made[:, -1].tolist() == [1, 1, 1, 0, 0, 0]
    assert own.inputs[-1].name == "title is missing"
    assert not made[:5, :-1].any()
    (words,) = [column.words for column in own.columns]
    assert words is not None
    there = {label for label, value in zip(words.labels, made[5], strict=False) if value}
    assert there == {"data", "da…", "…dat…", "…ata…", "…ta"}
    assert {f"title: {label}" for label in there} <= {neuron.name for neuron in own.inputs}


def test_only_training_rows_are_learned_from() -> None:
    cells = [*titles(100), *(f"hidden{k} secret" for k in range(100))]
    table = from_frame({"title": cells})
    schema = infer_schema(table, kinds={"title": "text"})
    fit = fit_encoder(table, schema, rows=range(100))
    alone = from_frame({"title": cells[:100]})
    assert fit.to_dict() == fit_encoder(alone, infer_schema(alone, kinds={"title": "text"})).to_dict()
    again = Encoder.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert again == fit


def test_what_is_kept_occurs_twice_and_is_no_more_than_said() -> None:
    once = fit_words(pl.Series(["alpha beta", "beta gamma", "beta"]))
    assert {label for label in once.labels if "…" not in label} == {"beta"}
    assert once.size == pytest.approx(math.sqrt((5 + 5 + 5 + sum(_shared(once))) / 3), rel=1e-12)
    rng = np.random.default_rng(0)
    drawn = ["".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(3_000)]
    many_words = fit_words(pl.Series([f"{a} {b}" for a, b in pairwise(drawn)] * TWICE))
    assert len(many_words.kept) == MOST_BUCKETS
    assert sum("…" not in label for label in many_words.labels) >= 0.7 * MOST_BUCKETS


def _shared(words: TextWords) -> list[int]:
    """What "alpha" and "gamma" have of the kept pieces, beyond beta's own."""
    return [sum(token in words.tokens for token in tokens_of(word, 3)) for word in ("alpha", "gamma")]


@pytest.mark.parametrize(
    ("cells", "kind", "reason"),
    [
        (titles(200), "text", "different values of 3."),
        ([f"k{i}-{i * 7919 % 104729:x}" for i in range(200)], "identifier", "different value in every row"),
        ([f"Owner{i} Surname{i * 31} the {i}th" for i in range(200)], "identifier", "different value in every row"),
        ([f"{i} Main Street" if i % 3 else f"{i}, Apt {i * 17}" for i in range(200)], "identifier", "different value"),
        ([f"level {i % 80}" for i in range(400)], "category", ""),
        ([" ".join(titles(4, i)) for i in range(200)], "long text", "it is free text"),
        ([f"k{i % 60} data engineer" for i in range(200)], "category", ""),
        ([f"person{i}@example.com" for i in range(200)], "identifier", "different value in every row"),
    ],
    ids=["titles", "codes", "names", "addresses", "levels", "long", "few", "mail"],
)  # fmt: skip
def test_short_text_is_what_recurs_in_words(cells: list[str], kind: str, reason: str) -> None:
    schema = (
        infer_schema(from_frame({"t": cells, "y": [0.5 * i for i in range(len(cells))]}), target="y")
        if (kind in ("text", "category"))
        else infer_schema(
            from_frame(
                {
                    "t": cells,
                    "b": [i % 4 for i in range(len(cells))],
                    "y": [0.5 * i for i in range(len(cells))],
                }
            ),
            target="y",
        )
    )
    (column, *_) = schema.columns
    assert column.kind == kind
    assert reason in column.reason
    assert (column.role == "input") == (kind in ("text", "category"))
    assert any("is short text, whose words" in note for note in schema.notes) == (kind == "text")


def test_a_target_of_such_words_is_classes() -> None:
    cells = titles(40) * 5
    schema = infer_schema(from_frame({"a": list(range(7, 407, 2)), "t": cells}), target="t")
    assert (schema.task, schema.columns[1].kind) == ("classification", "category")


@pytest.mark.parametrize("as_file", [True, False])
def test_text_by_hand_through_every_door(as_file: bool, tmp_path: Path) -> None:
    # Few values, long ones, and different ones: by its looks none of them is short text.
    n = 48
    columns: dict[str, list[Any]] = {
        "few": ["red car", "blue car", "red bike"] * 16,
        "long": [" ".join([*titles(6, i)]) for i in range(n)],
        "own": [f"id{i} extra" for i in range(n)],
        "y": [0.5 * i for i in range(n)],
    }
    kinds = dict.fromkeys(("few", "long", "own"), "text")
    path = tmp_path / "t.csv"
    pl.DataFrame(columns).write_csv(path)
    trained = train(path if as_file else columns, "y", kinds=kinds, **SMALL)
    assert [column.kind for column in trained.prepared.schema.inputs] == ["text"] * 3
    model = trained.model
    assert model.to_dict()["model_version"] == 7
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.to_dict() == model.to_dict()
    assert again.predict(path).labels.tolist() == model.predict(path).labels.tolist()
    row = {name: cells[5] for name, cells in columns.items()}
    x = model.encoder.transform(model.table(columns))
    assert model.encoder.by_row(model.reading.words, model.reading.decimal)(row).tobytes() == x[5].tobytes()
    if as_file:
        return
    frame = pd.DataFrame({name: columns[name] for name in kinds})
    regressor = TableRegressor(kinds=kinds, **SMALL).fit(frame, columns["y"])
    assert [column.kind for column in regressor.schema_.inputs] == ["text"] * 3
    labels = ["a", "b", "b"] * 16
    classifier = TableClassifier(kinds=kinds, **SMALL).fit(frame, labels)
    assert classifier.predict(frame.head(3)).shape == (3,)


@pytest.fixture(scope="module")
def paid() -> Any:
    """A model of the salaries, and its table."""
    model = train(salaries(), "y", **SMALL).model
    return model, model.table(salaries())


def test_an_input_says_which_words_it_counts(paid: Any) -> None:
    model, table = paid
    row = next(i for i, cell in enumerate(salaries()["title"]) if cell and "C++" in cell)
    trace = trace_rows(model, table, row + 1)
    names = [neuron.name for neuron in model.encoder.inputs]
    line = derive(trace, f"x[{names.index('title: c++') + 1}]").lines[0]
    assert line.text.startswith("v/size")
    assert "v counts 'c++' in the cell" in line.note
    assert line.check is not None
    assert line.check.ok
    other = next(i for i, name in enumerate(names) if name == "title: поиск")
    if "поиск" not in str(salaries()["title"][row]):
        assert "has none" in derive(trace, f"x[{other + 1}]").lines[0].note


def test_a_text_adds_as_one_column(paid: Any) -> None:
    model, table = paid
    shares = integrated_gradients(model, table, 3)
    assert [one.column for one in shares.columns] == ["title", "b"]
    assert shares.holds
    title = column_effects(model, table, 3).columns[0]
    words = dict.fromkeys(words_of(str(salaries()["title"][3])))
    assert list(title.changes) == [f"without {word!r}" for word in words]
    assert all(math.isfinite(change) for change in title.changes.values())


def test_the_typical_text_is_no_rows_own(paid: Any) -> None:
    """It has no words, so that an export that explains from there carries no row's text."""
    model, table = paid
    x, cells, words = baseline_row(model, table, "typical")
    counted = [i for i, neuron in enumerate(model.encoder.inputs) if neuron.column == "title"]
    assert not x[counted].any()
    assert cells["title"] == "no words"
    assert words.endswith(", empty texts")
    share = integrated_gradients(model, table, 3).columns[0]
    assert (share.cell, share.baseline) == (salaries()["title"][3], "no words")


def test_texts_of_other_words_are_drift() -> None:
    model = train(salaries(), "y", **SMALL).model
    other = {"title": ["Küchenhilfe Bäckerei"] * 40, "b": [1] * 40}
    assert any("have no word that training saw" in note for note in model.drift(model.table(other)))
    same = {name: cells[:40] for name, cells in salaries().items()}
    assert not model.drift(model.table(same))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("kept", [5, 3], "kept: different buckets in order"),
        ("kept", [1, 70_000], "kept: different buckets in order"),
        ("tokens", ["<a>"], "tokens: one for each kept bucket"),
        ("size", 0.0, "size: a count of at least 1 and a scale above 0"),
        ("most", 0, "size: a count of at least 1"),
        ("piece", 0, "piece: between 1 and 100"),
        ("buckets", 0, "buckets: between 1 and"),
    ],
)
def test_hostile_words_are_refused(field: str, value: Any, said: str) -> None:
    data = TextWords(BUCKETS, 3, (1, 2), ("<a>", "<b>"), 2, 1.5).to_dict()
    with pytest.raises(ModelFileError, match=said):
        TextWords.from_dict({**data, field: value})


def test_a_highest_count_that_a_file_claims_takes_no_memory() -> None:
    words = fit_words(pl.Series(["data clerk", "data manager data", "clerk"] * 5))
    claimed = TextWords.from_dict({**words.to_dict(), "most": 2**53})
    out = np.zeros((1, len(words.kept)))
    claimed.write(from_frame({"t": ["data data data data"]}), "t", out)
    assert out.max() == 4 / words.size


@pytest.mark.parametrize("kind", ["text", "category"])
def test_half_a_character_is_refused_by_the_row_as_in_a_table(kind: str) -> None:
    table = from_frame({"t": ["data clerk", "data manager", "clerk"] * 5, "n": list(range(15))})
    made = fit_encoder(table, infer_schema(table, kinds={"t": kind}))
    cells = {"t": "\ud800 data", "n": 1.0}
    said = r"'\\ud800 data' has half a character, which no table can hold; write it again as UTF-8"
    with pytest.raises(TableError, match=said):
        made.by_row()(cells)
    with pytest.raises(TableError, match=said):
        made.transform(from_frame({name: [cell] for name, cell in cells.items()}))


def test_labels_of_pieces() -> None:
    assert [label_of(token) for token in ("<ab>", "<ab", "abc", "bc>")] == ["ab", "ab…", "…abc…", "…bc"]


@pytest.mark.slow
def test_words_that_say_the_salary_are_learned() -> None:
    cells = titles(1_500, 3)
    rng = np.random.default_rng(5)
    worth = {word.lower(): float(rng.normal(0, 10)) for word in [*LEVELS, *FIELDS, *ROLES]}
    y = [sum(worth[word] for word in words_of(cell)) + float(rng.normal(0, 1.0)) for cell in cells]
    trained = train({"title": cells[:1_000], "y": y[:1_000]}, "y", fast=True)
    answers = trained.model.predict({"title": cells[1_000:]}).labels.astype(float)
    rest = np.array(y[1_000:])
    assert 1 - ((answers - rest) ** 2).sum() / ((rest - rest.mean()) ** 2).sum() > 0.98
