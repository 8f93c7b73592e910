"""`chainrule derive`: backpropagation and any formula, in every format; a line that doesn't hold ends with 1."""

import json
from dataclasses import replace

import pytest

from chainrule.equations.activations import ACTIVATIONS
from chainrule.explain.derive.symbolic import formula as module

from .conftest import Run


def test_backprop_in_two_notations(run: Run):
    ours, article = run("derive", "backprop"), run("derive", "backprop", "--as", "article-4", "--layers", "3")
    assert (ours.code, article.code) == (0, 0)
    assert "∂C/∂w[l][i,j] = delta[l][j]*a[l-1][i]  ✓" in ours.out
    assert "∂C/∂w_{j,k}^{i-1,i} = ∂C/∂z_k^i*a_j^{i-1}  ✓" in article.out
    assert "written out for 3 layers" in article.out
    assert "✗" not in ours.out + article.out


def test_json_of_backprop_has_the_notation(run: Run):
    found = json.loads(run("derive", "backprop", "--as", "bishop", "--layers", "2", "--format", "json").out)
    assert found["source"]["notation"]["letters"] == {"row": "n", "size": "M"}
    assert "E_n" in found["derivation"]["parts"][-1]["statements"][0]["text"]


def test_a_notation_that_is_none_is_refused(run: Run):
    told = run("derive", "backprop", "--as", "bischop")
    assert told.code == 2
    assert "--as: there is no notation 'bischop'; did you mean bishop?" in told.err


def test_a_formula_and_its_value(run: Run):
    found = run("derive", "sin(x^2)", "--by", "x", "--at", "x=0.5")
    assert found.code == 0
    assert "= 2*cos(x^2)*x  ✓ 12 instances" in found.out
    assert "= 0.968912  ✓" in found.out
    assert run("derive", "sin(x^2)", "--at", "x=0.5").out == found.out


def test_to_is_format(run: Run):
    assert run("derive", "sigmoid", "--to", "latex").out == run("derive", "sigmoid", "--format", "latex").out
    assert run("derive", "sigmoid", "--to", "html").out.startswith("<!DOCTYPE html>")


def test_a_line_that_does_not_hold_ends_with_1(run: Run, monkeypatch):
    wrong = replace(ACTIVATIONS["sigmoid"], slope_in_a="a*(1+a)")
    monkeypatch.setattr(module, "ACTIVATIONS", {**ACTIVATIONS, "sigmoid": wrong})
    result = run("derive", "sigmoid")
    assert result.code == 1
    assert "✗" in result.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backprop", "--layers", "1"], "--layers 1 must be a whole number from 2"),
        (["backprop", "--layers", "two"], "'two' is not a whole number"),
        (
            ["backprop", "--as", "article-9"],
            "--as: there is no notation 'article-9'; did you mean article-5 or article-4?",
        ),
        (["backprop", "--by", "x"], "--by is an option of a formula, not of backprop"),
        (["sin(x)", "--layers", "3"], "--layers is an option of backprop, not of a formula"),
        (["sin(x)", "--as", "ours"], "--as is an option of backprop"),
        (["x*y"], "name one with --by"),
        (["x*y", "--by", "q"], "--by q: the formula x*y has no q"),
        (["sin(x", "--by", "x"], 'formula "sin(x"'),
        (["sigmod"], "did you mean sigmoid?"),
        (["x^2", "--at", "y=1"], "--at y=1: the formula x^2 has no y"),
        (["x^2", "--at", "x"], "'x' is not a name and its number"),
        ([], "WHAT is missing"),
    ],
)
def test_a_mistake_is_one_line(run: Run, words, message):
    result = run("derive", *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1
