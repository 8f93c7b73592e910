"""Derivations made by hand, that show everything a renderer can meet; nothing in them is worked out here."""

from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation, Factor, Line, LineCheck, Matrix, MatrixLine, RuleLine
from chainrule.formula.nodes import Binary, Call, Derivative, Node, Number, Symbol
from chainrule.formula.parse import parse

GOOD = LineCheck(0.3775, 0.0, 1e-16, True)
BAD = LineCheck(0.5, 0.1225, 1e-16, False)


def symbol_sum(*terms: Node) -> Node:
    made = terms[0]
    for term in terms[1:]:
        made = Binary("+", made, term)
    return made


def product(left: str, right: str) -> Node:
    return Binary("*", Symbol(left), Symbol(right))


# z = 0.15·0.05 + 0.2·0.1 + 0.35 = 0.0075 + 0.02 + 0.35 = 0.3775, as in the article of the worked example
Z = Line(
    "weighted sum of what enters, plus the bias",
    "z[1][1]",
    symbol_sum(product("W[1][1,1]", "x[1]"), product("W[1][2,1]", "x[2]"), Symbol("b[1][1]")),
    {"W[1][1,1]": 0.15, "x[1]": 0.05, "W[1][2,1]": 0.2, "x[2]": 0.1, "b[1][1]": 0.35},
    0.3775,
    GOOD,
)
WRONG = Line("activation: identity", "a[1][1]", Symbol("z[1][1]"), {"z[1][1]": 0.3775}, 0.3775, BAD)
UNNAMED = Line(
    "the path's product",
    "",
    Binary("*", Symbol("delta[2][1]"), Number(-2.0)),
    {"delta[2][1]": -1e-7},
    2e-7,
    label="path 1 of 3",
)


def long_sum(n: int) -> Line:
    """A sum of n terms, each -0.123456789·1e-5, and a rest that a note describes."""
    terms = [product(f"W[2][{i},1]", f"a[1][{i}]") for i in range(1, n + 1)]
    values = {f"W[2][{i},1]": -0.123456789 for i in range(1, n + 1)} | {
        f"a[1][{i}]": 1e-5 for i in range(1, n + 1)
    }
    node = symbol_sum(*terms, Symbol("rest"))
    result = sum(-0.123456789 * 1e-5 for _ in range(n)) + 0.25
    return Line(
        "weighted sum",
        "z[2][1]",
        node,
        values | {"rest": 0.25},
        result,
        None,
        "rest: the sum of the other 90 terms",
    )


MATRIX = MatrixLine(
    "all of the layer at once",
    "z[1]",
    Binary("+", Binary("@", Symbol("x"), Symbol("W[1]")), Symbol("b[1]")),
    {
        "x": Matrix("x", (1, 2), ((0.05, 0.1),)),
        "W[1]": Matrix("W[1]", (2, 2), ((0.15, 0.25), (0.2, 0.3))),
        "b[1]": Matrix("b[1]", (2,), ((0.35, 0.35),)),
    },
    Matrix("z[1]", (1, 2), ((0.3775, 0.3925),)),
    GOOD,
)
CORNER = MatrixLine(
    "the corner of a large one",
    "dC/dW[2]",
    Binary("@", Call("transpose", (Symbol("a[1]"),)), Symbol("delta[2]")),
    {
        "a[1]": Matrix("a[1]", (1, 784), (tuple(0.5 for _ in range(8)),)),
        "delta[2]": Matrix("delta[2]", (1, 2), ((-0.25, 1e-9),)),
    },
    Matrix("dC/dW[2]", (784, 2), tuple((-0.125, 5e-10) for _ in range(8))),
)
CALCULUS = (
    RuleLine("the derivative that is wanted", Derivative("z", parse("1/(1+exp(-z))").root)),
    RuleLine("quotient", parse("exp(-z)/(1+exp(-z))^2").root, "(1/v)' = -v'/v^2", "nothing is agreed here"),
)
FACTORS = (
    Factor("delta[2][1]", 0.138498562, "what comes from the layer after"),
    Factor("f'[1][3]", 0.0098, "the slope", "σ'(z[1][3]) = 0.0098: saturated at z = 4.6"),
)
HOSTILE = "<script>alert('&')</script> 100 % of \\input{x} $y_1$ {a} 中 #1"

ALL = Derivation(
    "z[1][1]",
    f"The sum, {HOSTILE}",
    (Z, WRONG, UNNAMED, long_sum(10)),
    (MATRIX, CORNER),
    CALCULUS,
    FACTORS,
    (Grid(("name", "value"), (("50 %", 0.1 + 0.2), ("a_b", -1e-7)), ("name",), "A table"),),
    (Derivation("a[1][1]", "A part", (Z,), parts=(Derivation("b[1][1]", "A part of it", (UNNAMED,)),)),),
    ("A note that says – with signs such as ≤, √ and δ – what else is worth knowing.",),
    "Rounded as by hand.",
)
