"""Documents as Markdown: what a reader of it makes of them."""

import json

import pytest

from chainrule.explain.show.document import Document, Facts, Listing, Section, Styled, TableBlock, Words
from chainrule.explain.show.markdown import markdown_text, render, yaml_of


def test_blocks_are_headings_tables_and_lists():
    table = TableBlock(("class", "rows"), (("a|b", Styled("3", "result")), ("c", "4")), (1,), "… and 2 more")
    document = Document("A *title*", (Words("some\nwords", label="note"), Facts((("task", "classes"),)),
        Section("First", (table, Section("Inner", (Listing("x: 1", "yaml"),))))))  # fmt: skip
    assert render(document) == (
        "# A \\*title\\*\n\n**note:** some words\n\n- **task** classes\n\n## First\n\n| class | rows |\n|---|---:|\n"
        "| a\\|b | **3** |\n| c | 4 |\n\n… and 2 more\n\n### Inner\n\n```yaml\nx: 1\n```\n"
    )


def test_nothing_in_a_cell_becomes_a_mark_or_ends_a_fence():
    assert markdown_text("<script> [a](b) `c` #1 x_1 | y") == (
        "\\<script\\> \\[a\\](b) \\`c\\` \\#1 x\\_1 \\| y"
    )
    text = render(Document("t", (Listing("```\nnot the end", "text"),)))
    assert "````text\n```\nnot the end\n````" in text


@pytest.mark.parametrize(
    "value", ["a: b", "- a", "yes", "1.5", "", "#x", "x\ny", "é", "plain words", "penguins.csv"]
)
def test_texts_come_back_from_yaml(value):
    written = yaml_of({"key": value}).removeprefix("key: ")
    assert written == value if written[:1] != '"' else json.loads(written) == value
    quoted = written.startswith('"')
    assert quoted == (value not in ("plain words", "penguins.csv"))


def test_the_head_is_yaml():
    document = Document(
        "t", (), metadata={"tags": ["a", "b"], "model-index": [{"name": "m", "results": [{"value": 1.5}]}]}
    )
    assert render(document).startswith(
        "---\ntags:\n- a\n- b\nmodel-index:\n- name: m\n  results:\n  - value: 1.5\n---\n\n# t\n"
    )
