"""The glossary: terms that can be read, each linked where a section first uses it, and at the end of the page."""

import re

from chainrule.explain.show import render
from chainrule.explain.show.document import Document, Section, Words
from chainrule.explain.show.glossary import explained, glossary
from chainrule.formula.words import formulas_in, stated_in

WANTED = (
    "member fold logit cost loss delta temperature refinement coslog4 embedding|integrated gradients|epoch batch update|"
    "learning rate|slope derivative|dead neuron|saturated scaling softmax cross-entropy baseline calibration|out of fold"
)


def test_the_terms_are_there_with_one_or_two_sentences():
    wanted = [term for part in WANTED.split("|") for term in ([part] if part in glossary() else part.split())]
    assert set(wanted) <= set(glossary())
    for term in glossary().values():
        assert term.words.endswith("."), term.name
        assert 1 <= len(re.findall(r"[.:](?= |$)", re.sub(r"\$[^$]*\$", "", term.words))) <= 3, term.name
        assert "$" not in term.plain, term.name
        assert term.formula == "" or stated_in(term.formula) is not None


def test_every_formula_in_them_is_read():
    for term in glossary().values():
        assert sum(made is not None for _, made in formulas_in(term.words)) == term.words.count("$") // 2, (
            term.name
        )


def test_no_form_means_two_terms():
    forms = [form.lower() for term in glossary().values() for form in (term.name, *term.forms)]
    assert len(forms) == len(set(forms))


def test_the_first_use_in_each_section_is_a_link():
    html = (
        "<section><h2>The cost</h2><p>The cost of a batch; its cost again. A <code>batch</code>.</p></section>"
        '<section><p title="cost">Costs: <b>cost</b>, mini-batches</p><table><tr><td>loss</td></tr></table></section>'
    )
    found = explained(html)
    assert [term.name for term in found.terms] == ["batch", "cost"]
    links = re.findall(
        r'<a class="term"( id="[^"]*")? href="#([^"]*)" data-words="[^"]*">([^<]*)</a>', found.html
    )
    assert links == [
        (' id="use-term-cost"', "term-cost", "cost"),
        (' id="use-term-batch"', "term-batch", "batch"),
        ("", "term-cost", "Costs"),
        ("", "term-batch", "mini-batches"),
    ]
    assert re.sub(r"</?a\b[^>]*>", "", found.html) == html  # nothing else is changed
    facts = '<table class="told"><tr><th>loss</th><td>temperature 2</td></tr></table>'
    facts += "<table><tr><td>a fold</td></tr></table><p>fold</p>"
    assert [term.name for term in explained(facts).terms] == ["fold", "temperature"]
    assert "<td>a fold</td>" in explained(facts).html


def test_a_page_ends_with_the_terms_it_uses():
    document = Document("T", (Section("One", (Words("The logits of a <member>."),)),))
    page = render(document, "html")
    assert re.findall(r'<div id="(term-[a-z-]+)"', page) == ["term-logit", "term-member"]
    assert page.index('id="use-term-logit"') < page.index('id="term-logit"')
    assert "&lt;<a" in page
    assert 'class="glossary"' not in render(Document("T", (Words("Nothing here."),)), "html")
