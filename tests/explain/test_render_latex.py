"""LaTeX: a document that a strict reader passes, with the numbers of the derivation; pdflatex judges where it is."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.explain.latex_check import complaints
from tests.explain.samples import ALL, HOSTILE, long_sum
from tests.explain.shown import as_latex

from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.show.latex import latex_text, printed_width, wrap_latex
from chainrule.formula.nodes import Symbol


def test_the_document_passes_a_strict_reader():
    assert complaints(as_latex(ALL, origin={"model": HOSTILE})) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("\\end{align*}", ""), "never closed"),
        (("^{(1)}", "^{(1)}^{2}"), "two ^"),
        (("&= 0.3775", "&= \\left(0.3775"), "\\left"),
        (("\\cdot", "\\cdott"), "\\cdott"),
        (("The sum", "The_sum"), "_ outside mathematics"),
        (("The sum", "The sum 中"), "lacks"),
        (("A note", "A & note"), "&"),
        (("A note", "A note {"), "never closed"),
        (("A note", "A 5 % note"), "comment"),
        (("&= 0.3775", "&= 0.3775\n\n"), "empty line"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_reader_sees_planted_mistakes(change, named):
    found = complaints(as_latex(ALL).replace(*change, 1))
    assert any(named in complaint for complaint in found), found


@pytest.mark.skipif(
    not (shutil.which("pdflatex") or shutil.which("tectonic")),
    reason="there is neither pdflatex nor tectonic",
)
def test_the_document_compiles(tmp_path):
    path = tmp_path / "all.tex"
    path.write_text(as_latex(ALL), "utf-8")
    command = (
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode"]
        if shutil.which("pdflatex")
        else ["tectonic"]
    )
    done = subprocess.run([*command, path.name], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    assert path.with_suffix(".pdf").stat().st_size > 1000


def test_what_a_document_says():
    document = as_latex(ALL)
    assert (
        r"z^{(1)}_{1} &= w^{(1)}_{1,1} \cdot x_{1} + w^{(1)}_{2,1} \cdot x_{2} + b^{(1)}_{1} \\" in document
    )
    assert r"&= 0.15 \cdot 0.05 + 0.2 \cdot 0.1 + 0.35 \\" in document
    assert r"&= 0.3775\quad\checkmark" in document
    assert r"\times}\text{ engine says 0.5}" in document
    assert r"\begin{bmatrix} 0.15 & 0.25 \\ 0.2 & 0.3 \end{bmatrix}_{2 \times 2}" in document
    assert (
        document.count(r"\section*")
        == document.count(r"\subsection*")
        == document.count(r"\subsubsection*")
        == 1
    )


def test_long_sums_are_broken_before_their_signs():
    (block,) = re.findall(
        r"\\begin\{align\*\}.*?\\end\{align\*\}", as_latex(Derivation("z", "t", (long_sum(40),))), re.S
    )
    rows = block.splitlines()[1:-1]
    assert len(rows) > 10
    assert all(printed_width(row) <= 80 for row in rows)
    assert all(row.startswith((r"&\quad +", "&=", "z^{(2)}_{1} &=")) for row in rows)
    # broken or not, it is the same sum: 40 terms and the rest, once as symbols and once as numbers
    assert block.count(r"\cdot") == 2 * 40


def test_what_stands_in_brackets_is_broken_where_it_is_too_wide():
    assert wrap_latex(r"\left(a + b\right) \cdot c + d", 11) == [r"\left(a + b\right) \cdot c", "+ d"]
    wide = r"\left(" + " + ".join(["a_{1}"] * 9) + r"\right) \cdot c - d"
    assert wrap_latex(wide, 20) == [
        "(a_{1} + a_{1} + a_{1} + a_{1} + a_{1}",
        r"+ a_{1} + a_{1} + a_{1} + a_{1}) \cdot c",
        "- d",
    ]
    fraction = r"b - \frac{" + " + ".join(["a"] * 9) + r"}{10} \cdot e"
    assert wrap_latex(fraction, 16) == ["b - (a + a + a + a", "+ a + a + a + a", r"+ a) / 10 \cdot e"]
    below = r"\frac{" + " + ".join(["a"] * 9) + "}{n + m}"
    assert wrap_latex(below, 12)[-1].endswith("+ a) / (n + m)")


def test_a_long_product_is_broken_before_its_factors():
    product = r" \cdot ".join(rf"f^{{\prime({i})}}\left(z^{{({i})}}_{{1}}\right)" for i in range(1, 9))
    rows = wrap_latex(product, 40)
    assert len(rows) > 1
    assert all(row.startswith(r"\cdot f") for row in rows[1:])
    assert " ".join(rows) == product


def test_what_can_t_be_broken_stays():
    product = r"\sqrt{" + " + ".join(["a"] * 60) + "}"
    assert wrap_latex(f"{product} + b", 20) == [product, "+ b"]


@given(st.text())
def test_any_words_can_be_printed(words):
    text = latex_text(words)
    assert [found for found in complaints(text.replace("\n", " ")) if "\\text" not in found] == []
    assert len(text) >= len(words)


def test_letters_of_europe_stay_and_others_are_spelled():
    assert latex_text("Größe, naïve, 50 %") == "Größe, naïve, 50 \\%"
    assert latex_text("η → 中") == "$\\eta$ $\\to$ \\texttt{U+4E2D}"


def test_names_of_any_table_can_be_printed():
    name = '[größe = "中 <b>_$%"]'
    line = Line("given", "x[1]", Symbol(name), {name: 1.0}, 1.0)
    document = as_latex(Derivation("x[1]", "t", (line,)))
    assert complaints(document) == []
    assert "größe" in document
    assert "\\texttt{U+4E2D}" in document
