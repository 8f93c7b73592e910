"""The formula language: what is read, what is refused with which words, and what comes out."""

import doctest
import re
import time
from pathlib import Path
from typing import Any

import array_api_strict
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from chainrule.equations.activations import activation
from chainrule.equations.losses import loss
from chainrule.equations.network import MAX_OPERATIONS_IN_ALL
from chainrule.errors import ChainruleError, FormulaError
from chainrule.formula.differentiate import derivative
from chainrule.formula.evaluate import MAX_OPERATIONS
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.nodes import Binary, Call, Compare, Constant, Negate, Number, Symbol
from chainrule.formula.parse import MAX_DEPTH, MAX_LENGTH, MAX_NODES, parse

Z = Symbol("z")
TWO = Number(2.0)


def value(text: str, **values: Any) -> Any:
    return parse(text).evaluate(values, np)


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("z", Z),
        (" z\n\t", Z),
        ("+z", Z),
        ("-z^2", Negate(Binary("^", Z, TWO))),
        ("z^-2", Binary("^", Z, Negate(TWO))),
        ("2^z^2", Binary("^", TWO, Binary("^", Z, TWO))),
        ("2*z^2", Binary("*", TWO, Binary("^", Z, TWO))),
        ("z-2-z", Binary("-", Binary("-", Z, TWO), Z)),
        ("z**2", Binary("^", Z, TWO)),
        ("02.50e-1", Number(0.25)),
        ("max(.5, z)", Call("max", (Number(0.5), Z))),
        ("where(z>=2,z,pi)", Call("where", (Compare(">=", Z, TWO), Z, Constant("pi")))),
    ],
)
def test_structure(text: str, root: object) -> None:
    assert parse(text).root == root


@given(st.sampled_from("+-*/^"), st.sampled_from("+-*/^"), st.sampled_from("+-*/^"))
def test_precedence_is_pythons_with_powers_written_as_carets(a: str, b: str, c: str) -> None:
    text = f"3{a}2{b}-1.5{c}0.5"
    judge = complex(sympy.sympify(text))
    result = parse(text).evaluate({}, np)
    if judge.imag:
        assert np.isnan(result)
    else:
        assert result == pytest.approx(judge.real, rel=1e-14)


def test_symbols_are_sorted_and_exclude_functions_and_constants() -> None:
    assert parse("y*exp(b)+a^pi+e").symbols == ("a", "b", "y")
    assert parse("1").symbols == ()


def test_formulas_are_hashable_and_equal_by_content() -> None:
    assert hash(parse("z^2")) == hash(parse("z^2"))
    assert parse("z^2").root == parse("z **  2").root
    assert str(parse("z**2")) == "z**2"


HOSTILE = {
    "z.__class__": "column 2: '.' is not allowed",
    "().__class__.__bases__[0]": "column 3: '.'",
    "__import__('os').system('true')": "column 1: the name '__import__' begins with '_'",
    "__import__": "begins with '_'",
    "exp.__globals__": "column 4: '.'",
    "eval(z)": "unknown function 'eval'",
    "open(z)": "unknown function 'open'",
    "exp(z)(z)": "column 7: an operator is missing before '('",
    "(exp)(z)": "an operator is missing before '('",
    "z(2)": "unknown function 'z'",
    "lambda: 1": "'lambda' is not part",
    "lambda z: z": "'lambda' is not part",
    "[z for z in z]": "'[' is not allowed",
    "(z for z in z)": "'for' is not part",
    "{z}": "'{' is not allowed",
    "f'{z}'": '"\'" is not allowed',
    "'z'": '"\'" is not allowed',
    'b"z"': "is not allowed",
    "(z:=1)": "column 3: ':'",
    "z=1": "column 2: '=' is not allowed; write == to compare",
    "z;z": "column 2: ';'",
    "z if z else z": "write where(condition, value, otherwise)",
    "z and z": "'and' is not part",
    "not z": "'not' is not part",
    "await z": "'await' is not part",
    "True": "'True' is not part",
    "None": "'None' is not part",
    "...": "'.' is not allowed",
    "z@z": "'@' is not allowed",
    "z%2": "write /100 for per cent",
    "z//2": "column 3: not a formula",
    "z<<2": "column 3: not a formula",
    "~z": "'~' is not allowed",
    "z\x00": "column 2: '\\x00' is not allowed",
    "z\\": "column 2",
    "z#comment": "'#' is not allowed",
    "ｚ": "'\\uff5a' is not allowed",
    "z\u200b": "'\\u200b' is not allowed",
    "\ud800": "is not allowed",
    "π": "only numbers, ASCII names",
    "2×z": "write * to multiply",
    "z²": "write ^2",
    "z ≤ 2": "write <=",
    "1j": "an operator is missing before 'j'",
    "0x10": "an operator is missing before 'x10'",
    "1_000": "begins with '_'",
    "2z": "column 2: an operator is missing before 'z'; write 2*z",
    "2(z)": "column 2: an operator is missing before '('",
    "z z": "an operator is missing",
    "1.2.3": "an operator is missing before '.3'",
    "1e999": "too large",
    "": "empty",
    "  \n": "empty",
    "()": "not a number",
    "(z": "not a formula",
    "z)": "not a formula",
    "z+": "not a formula",
    "*z": "not a formula",
    "z^^2": "not a formula",
    "z,z": "not a number",
    "(z,)": "not a number",
    "exp(*z)": "not a number",
    "exp(**z)": "takes 1 argument",
    "exp()": "takes 1 argument, not 0",
    "max(z)": "takes 2 arguments, not 1",
    "exp(z,z)": "takes 1 argument, not 2",
    "exp": "'exp' is a function; write exp(...)",
    "exp+1": "'exp' is a function",
    "z<1": "only allowed as the first argument of where",
    "exp(z>0)": "only allowed as the first argument of where",
    "where(z,1,2)": "begins with a comparison",
    "where(1<z<2,1,2)": "can't be chained",
    "where(z>0,z>1,2)": "only allowed as the first argument",
    "where((z>0)>0,1,2)": "only allowed as the first argument",
    "exq(z)": "did you mean exp",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_and_mistaken_formulas_get_one_clear_line(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    message = str(caught.value)
    assert HOSTILE[text] in message
    assert message.isprintable()
    assert message.startswith("formula ")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60 + "z" + ")" * 60,
        "(" * 1999,
        "-" * 1999 + "z"[:0] + "1",
        "-" * 100 + "z",
        "exp(" * 300 + "z" + ")" * 300,
        "z^" * 999 + "z",
        "1+" * 999 + "1",
        ")" * 1000,
        "z" * (MAX_LENGTH + 1),
        "max(" * 400 + "z",
        "9" * 1999,
    ],
    ids=lambda text: text[:8],
)
def test_size_limits_hold_without_a_crash(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert len(str(caught.value)) < 300


def test_more_than_500_nodes_are_refused() -> None:
    def balanced(levels: int) -> str:
        return "z" if levels == 0 else f"({balanced(levels - 1)}+{balanced(levels - 1)})"

    assert len(parse(balanced(7)).symbols) == 1
    with pytest.raises(FormulaError, match="more than 500"):
        parse(balanced(8))


def test_the_deepest_formula_allowed_works() -> None:
    deepest = "tanh(" * (MAX_DEPTH - 1) + "z" + ")" * (MAX_DEPTH - 1)
    expected = 0.5
    for _ in range(MAX_DEPTH - 1):
        expected = float(np.tanh(expected))
    assert value(deepest, z=0.5) == pytest.approx(expected, rel=1e-13)
    with pytest.raises(FormulaError, match="nested too deeply"):
        parse(f"tanh({deepest})")


def test_huge_powers_overflow_at_once() -> None:
    begin = time.process_time()
    assert value("9^9^9^9^9") == np.inf
    assert value("(9^9^9^9^9)^-1") == 0.0
    assert derivative(parse("z*9^9^9^9^9"), "z").evaluate({"z": 1.0}, np) == np.inf
    assert derivative(parse("z*((((((9^16)^16)^16)^16)^16)^16)^16"), "z").evaluate({"z": 1.0}, np) == np.inf
    assert time.process_time() - begin < 30  # digits that are all worked out take longer than anybody waits


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except FormulaError as caught:
        message = str(caught)
    else:
        message = ""
    assert message.isprintable()


@given(st.text("z1.e+-*/^()<>=, maxwhere\n", max_size=40))
def test_any_text_of_the_language_is_read_or_refused(text: str) -> None:
    try:
        formula = parse(text)
    except FormulaError:
        return
    values = {name: np.array([0.5, -2.0]) for name in formula.symbols}
    assert np.shape(formula.evaluate(values, np)) in ((), (2,))


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(FormulaError, match="a formula is text, not int"):
        parse(3)


def test_only_the_given_symbols_are_allowed() -> None:
    assert parse("alpha*z", {"z", "alpha"}).symbols == ("alpha", "z")
    with pytest.raises(FormulaError, match=r"column 1: unknown name 'alhpa'; did you mean alpha\?"):
        parse("alhpa*z", {"z", "alpha"})
    with pytest.raises(FormulaError, match="known here: a, y"):
        parse("q^2", {"a", "y"})
    with pytest.raises(FormulaError, match="'exp' is a name of the formula language"):
        parse("exp", {"exp"})


def test_columns_count_what_the_user_typed() -> None:
    with pytest.raises(FormulaError, match="column 9: unknown function 'foo'"):
        parse("z ^2^2 +foo(z)")
    with pytest.raises(FormulaError, match="column 13: 'sin' is a function"):
        parse("1.0000^2^z +sin")


def test_missing_and_wrong_values_are_named() -> None:
    with pytest.raises(FormulaError, match="no value for 'alpha'; values were given for: z"):
        value("alpha*z", z=1.0)
    with pytest.raises(FormulaError, match="the value of 'z' is int64; give floats"):
        value("z+1", z=np.array([1, 2]))
    with pytest.raises(FormulaError, match="the value of 'z' is str"):
        value("z+1", z="1")
    with pytest.raises(FormulaError, match="single number"):
        value("sum(z)", z=1.0)


MPMATH = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "log1p": lambda u: mpmath.log(1 + u),
    "expm1": lambda u: mpmath.exp(u) - 1,
    "log2": lambda u: mpmath.log(u) / mpmath.log(2),
    "sqrt": mpmath.sqrt,
    "abs": abs,
    "sign": mpmath.sign,
    "step": lambda u: mpmath.mpf(1 if u >= 0 else 0),
    "floor": mpmath.floor,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "atan": mpmath.atan,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "max": max,
    "min": min,
    "where": lambda u, v: u if u > v else v * 2,
    "sum": lambda u: u,
}
SHAPES = {1: "{0}(z)", 2: "{0}(z, y)", 3: "{0}(z > y, z, 2*y)"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_the_right_value(name: str) -> None:
    z, y = np.array([[0.75], [1e-9], [3.0], [20.5]]), np.array([[2.0], [1.0], [-3.0], [20.5]])
    result = value(SHAPES[FUNCTIONS[name].arity].format(name), z=z, y=y)
    with mpmath.workdps(40):
        pairs = [(mpmath.mpf(u), mpmath.mpf(v)) for u, v in zip(z[:, 0], y[:, 0], strict=True)]
        exact = [MPMATH[name](*(pair[: max(FUNCTIONS[name].arity, 1)][:2])) for pair in pairs]
    np.testing.assert_allclose(result[:, 0], [float(v) for v in exact], rtol=2e-15)


def test_kinks_and_steps() -> None:
    z = np.array([-2.5, -0.0, 0.0, 2.5])
    assert value("step(z)", z=z).tolist() == [0, 1, 1, 1]
    assert value("sign(z)", z=z).tolist() == [-1, 0, 0, 1]
    assert value("step(z)", z=-3) == 0.0
    assert value("where(z == 0, 7, z)", z=z).tolist() == [-2.5, 7, 7, 2.5]


def test_whole_powers_of_negative_bases() -> None:
    z = np.array([-3.0, -0.5, 2.0])
    for n in (-3, -2, -1, 0, 1, 2, 3, 4, 7):
        np.testing.assert_allclose(value(f"z^{n}", z=z), [float(u) ** n for u in z], rtol=1e-15)
    assert value("(-8)^3") == -512
    assert np.isnan(value("(-8)^(1/3)"))


def test_ieee_arithmetic_on_plain_numbers() -> None:
    assert value("1/0") == np.inf
    assert value("-1/0") == -np.inf
    assert np.isnan(value("0/0"))
    assert value("log(0)") == -np.inf
    assert value("exp(1000)") == np.inf
    assert np.isnan(value("log(0-1)"))


def test_unused_branches_may_overflow_in_silence() -> None:
    z = np.array([-1e4, 1e4])
    assert value("where(z > 0, z, exp(z)-1)", z=z).tolist() == [-1.0, 1e4]
    assert value("where(z < 0, log(-z), 1/0)", z=np.array([-1.0, 1.0])).tolist() == [0.0, np.inf]


def test_numbers_beyond_float32_become_inf_in_silence() -> None:
    z = np.array([-1.0, 1.0], np.float32)
    assert value("1e300*z", z=z).tolist() == [-np.inf, np.inf]
    assert parse("1e300").evaluate_like({}, z, np).tolist() == [np.inf, np.inf]
    assert value("where(z > 0, 1e300, 0)", z=z).tolist() == [0, np.inf]


def test_sum_runs_over_the_last_axis_and_keeps_it() -> None:
    z = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert value("sum(z)", z=z).tolist() == [[3.0], [8.0]]
    np.testing.assert_allclose(value("exp(z)/sum(exp(z))", z=z).sum(axis=-1), 1.0, rtol=1e-15)


FORMULAS = [
    "1/(1+exp(-z))",
    "z*tanh(log(1+exp(z)))",
    "where(z > 0, z, alpha*(exp(z)-1))",
    "where(z > 0, 1, 0)",
    "where(z > 0, alpha, 0.1)",
    "where(1 > 0, z, 0)",
    "max(0, z)",
    "min(z, alpha)",
    "step(z)+sign(z)+floor(z)",
    "2^z",
    "z^3-z^2+z^4",
    "z^-1",
    "abs(z)^alpha",
    "z/2*(1+erf(z/sqrt(2)))",
    "erfc(z)*pi+e",
    "exp(z)/sum(exp(z))",
    "log1p(abs(z))-expm1(z)+log2(3+z)",
    "sinh(z)/cosh(z)+sin(z)*cos(z)-tan(z)+atan(z)",
]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_namespaces_agree_and_keep_the_dtype(text: str, dtype: str) -> None:
    z = np.linspace(-2.3, 2.4, 12).reshape(3, 4).astype(dtype)
    z.setflags(write=False)
    formula = parse(text)
    expected = formula.evaluate({"z": z, "alpha": 0.3}, np)
    assert expected.dtype == z.dtype
    strict = formula.evaluate({"z": array_api_strict.asarray(z), "alpha": 0.3}, array_api_strict)
    assert strict.dtype == getattr(array_api_strict, dtype)
    np.testing.assert_array_equal(np.asarray(strict), expected)
    jitted = jax.jit(lambda z: formula.evaluate({"z": z, "alpha": 0.3}, jnp))(z)
    assert jitted.dtype == dtype
    tolerance = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(np.asarray(jitted), expected, rtol=tolerance, atol=tolerance)


def test_symbols_may_be_traced_beside_arrays() -> None:
    formula = parse("where(z > 0, z, alpha*z)")
    result = jax.jit(lambda z, alpha: formula.evaluate({"z": z, "alpha": alpha}, jnp))(
        jnp.array([-2.0, 2.0]), 0.1
    )
    np.testing.assert_allclose(np.asarray(result), [-0.2, 2.0], rtol=1e-6)


@pytest.mark.parametrize("xp", [np, jnp, array_api_strict])
def test_evaluate_like_broadcasts_constants(xp: Any) -> None:
    like = xp.zeros((2, 3), dtype=xp.float32)
    for text in ("1", "alpha/2", "alpha*b", "sum(z)"):
        values = {"alpha": 2.0, "b": xp.asarray([0.5], dtype=xp.float32), "z": like + 1 / 3}
        result = parse(text).evaluate_like(values, like, xp)
        assert result.shape == (2, 3)
        assert result.dtype == xp.float32
        np.testing.assert_allclose(np.asarray(result), np.ones((2, 3)), rtol=1e-6)


def test_numpy_scalars_do_not_widen_float32() -> None:
    z = np.ones(2, np.float32)
    assert value("alpha*z", z=z, alpha=np.float64(0.1)).dtype == np.float32
    assert isinstance(value("alpha*z", z=np.float64(1), alpha=2), float)


def test_values_are_left_as_they_were() -> None:
    z = np.array([1.0, -1.0])
    value("-(z^2)+abs(z)", z=z)
    assert z.tolist() == [1.0, -1.0]


def test_equal_parts_are_computed_once() -> None:
    calls = []

    class Counting:
        isdtype = staticmethod(np.isdtype)

        @staticmethod
        def exp(u: Any) -> Any:
            calls.append(u)
            return np.exp(u)

    result = parse("exp(-z)/(1+exp(-z))^2").evaluate({"z": np.zeros(1)}, Counting)
    assert result.tolist() == [0.25]
    assert len(calls) == 1


PAGE = Path(__file__).parents[2] / "docs" / "formulas.md"


def nested(form: str, times: int) -> str:
    made = "z"
    for i in range(times):
        made = form.format(made, i)
    return made


@pytest.mark.parametrize(
    "text",
    [
        "+".join(f"erfc({i}*z)" for i in range(7)),
        "*".join(f"erf(z/{i + 1})" for i in range(40)),
        nested("erf({0})", 30),
        nested("min({0}, z*{1})", 40),
        nested("where(z > {1}, {0}, z*{1})", 40),
        "+".join(f"abs(z-{i})" for i in range(40)),
    ],
)
def test_a_formula_that_would_be_compiled_for_long_is_refused(text: str) -> None:
    begun = time.process_time()
    for make in (activation, lambda spec: loss(spec.replace("z", "(a-y)"))):
        with pytest.raises(
            FormulaError, match=f"operations.*at most {MAX_OPERATIONS:,} are compiled.*shorter"
        ):
            make(text)
    assert time.process_time() - begun < 60  # compiled, they take minutes and gigabytes


@pytest.mark.parametrize(
    "text", ["z*(1+erf(z/sqrt(2)))/2", nested("max({0}, z*{1})", 8), nested("tanh(z*{0})", 10)]
)
def test_a_formula_of_usual_size_is_let_through(text: str) -> None:
    formula = activation(text).formula
    formula.check_size(derivative(formula, "z"))


@pytest.mark.parametrize(
    "text",
    [
        "+".join(f"erf({i}*z)" for i in range(48)),
        "+".join(f"cos({i}*z)" for i in range(900)),
        "+".join(f"cos({i}*z)" for i in range(40)) + "+",
        "+".join(f"{i}000000" for i in range(48)),
        "z" * 1500,
        "relu" * 600 + "!",
        "z\n" * 300,
        f"leaky_relu({'b' * 900}=1)",
        f"huber({'b' * 900}=1)",
        f"leaky_relu(alpha={'1' * 900})",
        f"huber(delta={'1' * 900})",
    ],
    ids=range(11),
)
def test_a_formula_that_is_refused_is_not_told_whole(text: str) -> None:
    for make in (activation, loss):
        with pytest.raises(ChainruleError) as error:
            make(text)
        assert len(str(error.value)) < 600
        assert "\n" not in str(error.value)


def test_the_page_on_formulas_is_true() -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failures, attempts = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert attempts > 8
    assert failures == 0


def test_the_page_on_formulas_names_every_function_and_limit() -> None:
    page = PAGE.read_text("utf-8")
    assert [name for name in FUNCTIONS if not re.search(rf"`{name}[`(]", page)] == []
    limits = f"{MAX_LENGTH} characters, {MAX_NODES} numbers, names and operators, and {MAX_DEPTH} levels"
    assert limits in page.replace("\n", " ")
    assert f"at most {MAX_OPERATIONS:,} operations together" in page.replace("\n", " ")
    assert f"each counted once, come to at most {MAX_OPERATIONS_IN_ALL:,}" in page.replace("\n", " ")
