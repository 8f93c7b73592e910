"""Articles 1, 2 and 3 as written: each section in its place, with the article's formulas and numbers.

The lines are the articles' formulas in their own letters; the numbers are those they print, or worked out by hand or with
more digits where they only say how.
"""

import pytest
from tests.lessons.as_written import Part, errata, told, unlike

ARTICLES = {
    "article-1": (
        Part("80 % to train on, 20 % to test on", "split", (), {"training_rows": "8", "test_rows": "2"}),
        Part(
            "the table, its Max and Min, normalized",
            "scale",
            ("(v - low)/(high - low)", "(90 - 10)/(100 - 10)"),
            {
                "high": "100", "low": "10", "scaled[1]": "1", "scaled[2]": "0.888889", "scaled[3]": "0.777778",
                "scaled[4]": "0.666667", "scaled[5]": "0.555556", "scaled[6]": "0.444444", "scaled[7]": "0.333333",
                "scaled[8]": "0.222222", "scaled[9]": "0.111111", "scaled[10]": "0",
            },
        ),
        # 0.1 · (100 + 100 + 100); 1/(1 + e^-30) (1 - that); 1/(1 + e^-0.4)
        Part(
            "normalizing said to be not needed",
            "erratum",
            (),
            {"z[1][1]": "30", "f'[1][1]": "9.3576e-14", "a[2][1]": "0.59869"},
        ),
        Part("one input, hidden and output layer; every weight 0.1", "describe", ("3 × 4", "4 × 1", "none")),
        Part(
            "a neuron sums and activates: hidden node H1",
            "derive",
            ("Y_{in,1} = W1_{11}*X_1 + W1_{21}*X_2 + W1_{31}*X_3 = 0.1*1 + 0.1*1 + 0.1*1 = 0.300",
             "Y_{out,1} = 1/(1 + exp(-Y_{in,1}))"),
            {"z[1][1]": "0.3", "a[1][1]": "0.57"},
        ),
        Part("sigmoid(0.3)", "erratum", ("1/(exp(0.3)+1)", "1/(1+exp(-0.3))"), {"a[1][1]": "0.57"}),
        Part(
            "the output node",
            "derive",
            ("Z_in = W2_{11}*Y_{out,1} + W2_{21}*Y_{out,2} + W2_{31}*Y_{out,3} + W2_{41}*Y_{out,4}",
             "0.1*0.57 + 0.1*0.57 + 0.1*0.57 + 0.1*0.57 = 0.228", "Output = 1/(1 + exp(-Z_in))"),
            {"z[2][1]": "0.228", "a[2][1]": "0.56"},
        ),
        Part("sigmoid(2.28)", "erratum", ("sigmoid(2.28)", "sigmoid(0.228)"), {"a[2][1]": "0.56"}),
        Part("the Error", "derive", ("(Output - Target)^2/2 = (0.56 - 1)^2/2 = 0.0968",), {"C": "0.0968"}),
        Part(
            "the same, not rounded",
            "derive",
            (),
            {"a[1][1]": "0.5744425168", "z[2][1]": "0.2297770067", "a[2][1]": "0.5571928364", "C": "0.0980390921"},
        ),
        Part(
            "error propagation at the output node, term 1",
            "calculus",
            ("d/dOutput[0.5*(Target - Output)^2]", "= -(Target - Output)"),
        ),
        Part("term 2, f'(Z_in)", "calculus", ("= a*(1 - a)",), {"f'(0)": "0.25"}),
        Part(
            "term 3, and all grouped",
            "derive",
            ("∂Error/∂W2_{11} = ∂Error/∂Output*∂Output/∂Z_in*∂Z_in/∂W2_{11} = ∂Error/∂Output*f'(Z_in)*Y_{out,1}",),
            {"dC/dW[2][1,1]": "-0.0627597748"},
        ),
        Part(
            "at the hidden node: the output's formula once more",
            "erratum",
            ("∂Error/∂W211 = -(Target-Output) * f'(Z_in) * Y_out",),
        ),
        Part(
            "at the hidden node, term 1",
            "chain",
            ("dError/dY_out = dError/dOutput*dOutput/dZ_in*dZ_in/dY_out",),
            {"dError/dOutput": "-0.4428071636", "dError/dY_out": "-0.010925336"},
        ),
        Part(
            "at the hidden node, terms 2 and 3",
            "derive",
            ("∂Error/∂W1_{11} = ∂Error/∂Y_{out,1}*∂Y_{out,1}/∂Y_{in,1}*∂Y_{in,1}/∂W1_{11} = ∂Error/∂Y_{out,1}*f'(Y_{in,1})*X_1",),
            {"f'[1][1]": "0.2444583117", "dC/dW[1][1,1]": "-0.0026707892"},
        ),
        Part("the error term", "derive", ("= ∂Error/∂Output*f'(Z_in)*W2_{11}*f'(Y_{in,1})*X_1",)),
        Part("the error term, rounded", "derive", (), {"f'[2][1]": "0.246", "f'[1][1]": "0.245", "dC/dW[1][1,1]": "-0.00265"}),
        # 0.1 + 0.0627597748 and 0.1 + 0.0026707892: the error term itself is the change
        Part(
            "weights updated by the error information",
            "update",
            (),
            {"W_new[2][1,1]": "0.16276", "W_new[1][1,1]": "0.1026708"},
        ),
        Part("for all rows, until the weights settle", "train"),
        Part("or random initial weights", "train"),
        Part("test data", "rows"),
        Part("prediction results", "predict"),
        Part("to explore: bias", "compare", ("* no-bias, o bias",)),
        Part("to explore: learning rate", "compare", ("* rate-tenth, o rate-one, + rate-ten",)),
        Part("to explore: activation functions", "compare", ("* sigmoid, o tanh, + relu",)),
        Part("to explore: momentum factor", "compare", ("* no-momentum, o momentum-half, + momentum-nine-tenths",)),
        Part("to explore: architectures", "compare", ("* none-hidden, o four-hidden, + twelve-hidden, x two-layers",)),
        Part("errors over all data points or in batches", "compare", ("* one-row, o four-rows, + all-rows",)),
    ),
    "article-2": (
        Part(
            "a neuron: summation and activation function",
            "derive",
            ("Y = W1*X1 + W2*X2 + b = 0.5*2 + (-0.25*4) + 0.1",),
            {"z[1][1]": "0.1"},
        ),
        Part("one input, several hidden, one output layer", "describe", ("2 × 6", "6 × 4", "4 × 1")),
        Part("sigmoid, 0 to 1", "calculus", ("1/(1 + exp(-z))",), {"f'(0)": "0.25", "f'(8)": "0.00033524"}),
        Part("small change, large change", "erratum"),
        Part("tanh, -1 to 1", "calculus", ("tanh(z)",), {"f'(0)": "1"}),
        Part("ReLU, from 0", "calculus", ("max(0, z)",), {"f'(-2)": "0", "f'(3)": "1"}),
        Part("differentiable", "erratum", ("slope is 0 on the left and 1 on the right",)),
        Part("neuron death, leaky ReLU", "calculus", ("where(z > 0, z, alpha*z)",), {"f'(-2)": "0.01"}),
        # sigmoid(0.1) = 0.52497919, 2 · that = 1.04995837, sigmoid of it = 0.74076691
        Part(
            "forward propagation, seven points",
            "derive",
            ("= W1*X1 + W2*X2 + b_h1", "= W3*"),
            {"z[1][1]": "0.1", "a[1][1]": "0.52497919", "z[2][1]": "1.04995837", "a[2][1]": "0.74076691"},
        ),
        Part(
            "chain rule on f(g(x))",
            "chain",
            ("dy/dx = dy/du*du/dx = 14*3 = 42", "d/dx[(3*x + 1)^2]", "2*(3*x + 1)*3"),
            {"u": "7", "y": "49", "dy/du": "14", "du/dx": "3", "dy/dx": "42"},
        ),
        Part(
            "chain rule on a single neuron",
            "chain",
            ("Y = W1*X1 + W2*X2 + b", "dE/dW1 = dE/dA*dA/dY*dY/dW1"),
            {"dE/dA": "-0.47502081", "dA/dY": "0.24937604", "dY/dW1": "2", "dE/dW1": "-0.23691762"},
        ),
        Part(
            "change in weights",
            "derive",
            ("∂E/∂W1 =", "∂E/∂W2 ="),
            {"dC/dW[1][1,1]": "-0.25858609", "dC/dW[1][2,1]": "-0.51717218", "dC/dW[2][1,1]": "-0.13609198"},
        ),
        Part(
            "new weights",
            "update",
            (),
            {"W_new[1][1,1]": "0.52585861", "W_new[1][2,1]": "-0.19828278", "W_new[2][1,1]": "2.0136092"},
        ),
        Part("for all samples, until the error is least", "train", ("Stopped after epoch",), {"mistakes": "0"}),
        Part("neuron death, weights crossing the range", "diagnose", (), {"dead_neurons": "2", "exploding_weights": "1"}),
        Part("dropping neurons", "derive", ("h[1][1]",)),
    ),
    "article-3": (
        Part("step 1: the dot product", "derive", ("= w_1*x_1 + w_2*x_2 = 2*1 + (-1*2) = 0",), {"z[1][1]": "0"}),
        # sigmoid(0.5) = 0.62245933, its slope 0.23500371; sigmoid(2.5) - sigmoid(0.5), sigmoid(-0.5) - sigmoid(0.5)
        Part(
            "a higher weight, a higher influence",
            "influence",
            (),
            {"slope[1]": "0.47000742", "slope[2]": "-0.23500371", "change[1]": "0.30168249", "change[2]": "-0.24491866"},
        ),
        Part("the influence of w_2", "erratum", ("|w_1| > |w_2|",), {"z[1][1]": "-4.5"}),
        Part("step 2: the bias, z", "derive", ("= w_1*x_1 + w_2*x_2 + b",), {"z[1][1]": "0.5"}),
        Part(
            "the bias moves the function left or right",
            "shift",
            ("-b/w",),
            {"middle[2]": "-3", "middle[3]": "3", "middle[4]": "1.5", "output[4]": "0.5"},
        ),
        Part("step 3: the activation", "derive", ("ŷ = 1/(1 + exp(-z))",), {"a[1][1]": "0.62245933"}),
        # (1, -2; 3, 1)·(2, -1) and (1, 0)·(2, -1) + 0.5
        Part("without it the network is linear", "collapse", (), {"one.W[1,1]": "4", "one.W[2,1]": "5", "one.b[1]": "2.5"}),
        Part("the binary step", "train", (), {"W[1][1,1]": "-2", "W[1][2,1]": "3", "mistakes": "0"}),
        Part("loss, MSE", "derive", ("(0.5 - 1)^2", "C = "), {"C": "0.25"}),
        Part("cross-entropy for classification", "derive", ("log(ŷ",), {"C": "0.69314718"}),
        Part(
            "the gradient as a product of three",
            "derive",
            ("∂C/∂w_1 = ∂C/∂ŷ*∂ŷ/∂z*∂z/∂w_1 = ∂C/∂ŷ*∂ŷ/∂z*x_1 = -1*0.25*1 = -0.25",),
            {"dC/da[1][1]": "-1", "f'[1][1]": "0.25", "dC/dW[1][1,1]": "-0.25"},
        ),
        Part("its first factor", "calculus", ("-2*(y - yhat)",)),
        Part("printed without its minus", "erratum", ("∂C/∂ŷ = (2/n) * sum(y - ŷ)",), {"C": "0.5085"}),
        Part(
            "the second factor, in six lines",
            "calculus",
            (
                "The derivative of sigmoid by z",
                "d/dz[1/(1 + exp(-z))]",
                "= exp(-z)/(1 + exp(-z))^2",
                "= 1/(1 + exp(-z))*(exp(-z)/(1 + exp(-z)))",
                "= 1/(1 + exp(-z))*(1 - 1/(1 + exp(-z)))",
                "= a*(1 - a)",
            ),
            {"f'(0)": "0.25"},
        ),
        Part("for any activation", "calculus", ("= 1 - a^2",), {"f'(1)": "0.41997434"}),
        Part("the third factor", "calculus", ("d/dw_1[x_1*w_1 + x_2*w_2 + b]", "= x_1")),
        Part("with b inside the sum", "erratum", ("Σ (x_i * w_i + b)",), {"z[1][1]": "0.5"}),
        Part("therefore the product", "derive", (), {"dC/dW[1][1,1]": "0.33333333", "dC/dW[1][2,1]": "-0.33333333"}),
        Part(
            "with the factors outside the sum",
            "erratum",
            ("sum(y - ŷ) * σ(z) * (1 - σ(z)) * x_i",),
            {"dC/dW[1][1,1]": "0.17412"},
        ),
        Part("n inputs, n samples", "erratum"),
        Part("what about the bias", "derive", (), {"dC/db[1][1]": "-0.08333333"}),
        Part("a constant input of 1", "derive", (), {"dC/dW[1][3,1]": "-0.08333333"}),
        Part("optimization", "update", (), {"W_new[1][1,1]": "-0.33333333", "b_new[1][1]": "0.08333333", "C_new": "0.09046681"}),
        Part("until convergence", "train", (), {"mistakes": "0"}),
    ),
}  # fmt: skip

ERRATA = {
    "article-1": ["not needed", "1/(exp(0.3)+1)", "sigmoid(2.28)", "∂Error/∂W211"],
    "article-2": ["large Δy", "differentiable"],
    "article-3": ["w_1 > w_2", "(2/n) × sum(y - ŷ)", "(x_i · w_i + b)", "× σ(z) × (1 - σ(z)) × x_i", "x_n"],
}


@pytest.mark.parametrize("name", ARTICLES)
def test_a_lesson_tells_its_article_in_the_article_s_order(name, walked):
    assert unlike(ARTICLES[name], told(walked(name))) == []


@pytest.mark.parametrize("name", ARTICLES)
def test_the_errata_quote_what_is_printed(name, walked):
    printed = errata(walked(name))
    assert len(printed) == len(ERRATA[name])
    assert all(quoted in each for quoted, each in zip(ERRATA[name], printed, strict=True))
    assert max(map(len, printed)) <= 80  # a formula or a number, and no sentence


@pytest.mark.parametrize("name", ARTICLES)
def test_steps_in_another_order_are_seen(name, walked):
    steps = told(walked(name))
    for place in range(len(steps) - 1):
        swapped = [*steps[:place], steps[place + 1], steps[place], *steps[place + 2 :]]
        if not unlike(ARTICLES[name], swapped):
            # Only steps that the article doesn't have may stand elsewhere.
            without = [[*steps[:each], *steps[each + 1 :]] for each in (place, place + 1)]
            assert any(not unlike(ARTICLES[name], left) for left in without), steps[place].text[:80]


@pytest.mark.parametrize("name", ARTICLES)
def test_a_wrong_number_is_seen(name, walked):
    steps = told(walked(name))
    parts = ARTICLES[name]
    for place, part in enumerate(parts):
        for number, digits in part.numbers.items():
            decimals = len(digits.partition("e")[0].partition(".")[2])
            off = float(digits) + 3 * 10.0**-decimals * (1e-14 if "e-14" in digits else 1)
            planted = part._replace(
                numbers={number: f"{off:.{decimals}e}" if "e" in digits else f"{off:.{decimals}f}"}
            )
            found = unlike([planted], [step for step in steps if not unlike([part], [step])])
            assert found, (part.section, number)
        if part.lines:
            planted = part._replace(lines=(part.lines[0].replace(part.lines[0][-1], "?"),))
            assert unlike([*parts[:place], planted], steps), part.section


def test_a_number_that_did_not_come_out_is_seen(walked):
    steps = told(walked("article-1"))
    (place,) = [place for place, step in enumerate(steps) if step.move == "update"]
    wrong = {name: found + 0.001 for name, found in steps[place].numbers.items()}
    steps[place] = steps[place]._replace(numbers=wrong)
    (complaint,) = unlike(ARTICLES["article-1"], steps)
    assert (
        complaint
        == "weights updated by the error information: W_new[2][1,1] = 0.16276; W_new[1][1,1] = 0.1026708"
    )
