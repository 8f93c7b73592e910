"""Small models with parameters drawn by chance, over a table that has every kind of column."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.exports.certificate import certify_export
from chainrule.exports.program import Program
from chainrule.exports.run.made_rows import made_rows
from chainrule.exports.targets import IN_DIALECTS, LANGUAGES
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.encoding.target import fit_one
from chainrule.tables.encoding.targets import Targets
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame

ODD_NAME = 'x.y "z"; DROP\n*/ \\'
COLUMNS = {
    "width": [1.5, 2.0, 4.0, 3.0, 0.5, None, 2.5, 1.25],
    ODD_NAME: [10.0, -20.5, 15.0, 1e6, 12.0, 11.0, None, 3.0],
    "island": ["u", "v", "u", None, "w é", "v", 'a "b" ??/', "x\\"],
    "code": ["1", "2", "1", "3", "2", "10", "1", "2"],
    "wet": [True, False, True, True, False, True, None, False],
    "when": ["2024-05-01 10:00", "2024-06-11 23:59", "2024-01-30 00:00", "2023-05-02 12:30", "2024-12-24 18:45",
             "2024-02-29 06:00", "1999-12-31 23:59", None],
}  # fmt: skip
TEXTS = {
    "title": [
        "Data Engineer",
        "senior data analyst",
        "R&D ingénieur",
        None,
        "Ingénieur données",
        "c++ ENGINEER",
        "analyst, data",
        "x",
    ],
    "full title": ["Data a", "data Ж", "A engineer", "ж a", "a b", "engineer", "b, b", "x"],
}
"""Columns of short text, which not all languages can take apart."""

TARGETS = {
    "price": [10.0, 20.0, 15.0, 30.0, 12.0, 11.0, 19.0, 22.5],
    "size": [1.0, 2.0, 1.5, 3.0, 1.2, 1.1, 1.9, 2.2],
    "sold": ["no", "yes", "no", "no", "yes", "yes", "no", "yes"],
    "kept": [True, False, True, False, True, False, True, False],
    "kind": ["x", 'y "quoted"', "z\\", "x", "z\\", 'y "quoted"', "ü", "x"],
}
KINDS = {"code": "category", "when": "datetime", "wet": "boolean", "title": "text", "full title": "text"}


def small_model(
    targets, *layers, loss, seed=0, members=1, columns=tuple(COLUMNS), scaling="robust", clamp=False, dtype=np.float64,
    features=None, big=1.0, target_scaling=None, groups=1,
):  # fmt: skip
    """A model of a small table; ``layers`` are its network's, ``features(groups)`` makes a stage of the columns' groups."""
    rng = np.random.default_rng(seed)
    names = [targets] if isinstance(targets, str) else list(targets)
    table = from_frame(
        {name: (COLUMNS | TEXTS)[name] for name in columns} | {name: TARGETS[name] for name in names}
    )
    kinds = {name: kind for name, kind in KINDS.items() if name in columns}
    schema = infer_schema(table, target=names, inputs=list(columns), kinds=kinds)
    encoder = fit_encoder(table, schema, scaling=scaling)
    stage = None
    if features is not None:
        parts = [
            ("category", len(column.inputs), 0)
            if column.words is not None
            else (column.kind, len(column.levels) + column.missing + 1, len(column.parts) + column.missing)
            for column in encoder.columns
        ]
        stage = features(parts)
    network = Network([encoder.n_inputs, *layers], loss, features=stage)
    fitted = [
        fit_one(
            table,
            name,
            schema.task,
            None if schema.task == "classification" else target_scaling,
            None,
            clamp=clamp,
        )
        for name in names
    ]
    target = fitted[0] if len(fitted) == 1 else Targets(tuple(fitted))
    made = [
        Group(network, (rng.normal(size=(members, Layout(network).size)) * big).astype(dtype), weight=1.0 + k)
        for k in range(groups)
    ]
    return Model(tuple(made), encoder, target)


def periodic(parts):
    """A stage in which each number is embedded and each category's level learned."""
    groups = []
    for kind, levels, others in parts:
        if kind == "category":
            groups.append(("category", levels))
        elif kind == "number":
            groups += [("number", 1), *([("plain", others - 1)] if others > 1 else [])]
        else:
            groups.append(("plain", others))
    return Features(groups, scale=True, waves=3, width=2, level_width=3)


def certificate(model: Model, to: str, rows: int = 150, content: bytes | None = None):
    """The certificate of an export on few made rows."""
    program, language = Program(model), (IN_DIALECTS | LANGUAGES)[to]
    if content is None:
        content = language.content(program)
    exact = None if language.exact is None else lambda made: language.exact(program, content, made)
    return certify_export(
        program, lambda made: language.run(program, content, made), None, double=language.double, exact=exact,
        made=made_rows(program, rows),
    )  # fmt: skip


MODELS = {
    "two classes of one output": lambda: small_model(
        "sold", Dense(5, "relu"), Dense(1, "sigmoid"), loss="binary_cross_entropy"
    ),
    "classes by softmax": lambda: small_model(
        "kind", Dense(6, "silu"), Dense(4, "softmax", linear_path=True), loss="categorical_cross_entropy", members=3,
        features=periodic, dtype=np.float32,
    ),
    "truth values by hinge": lambda: small_model("kept", Dense(4, "tanh"), Dense(1), loss="hinge"),
    "a number": lambda: small_model(
        "price", Dense(4, "gelu", mix=True), Dense(3, "selu", parametrization="ntk"), Dense(1, linear_path=True),
        loss="mean_squared_error", members=2, clamp=True, groups=2, scaling="standard", dtype=np.float32,
    ),
    "several numbers": lambda: small_model(
        ["price", "size"], Dense(4, "mish", bias="layer"), Dense(2, bias="none"), loss="mean_squared_error", scaling="minmax",
        target_scaling="minmax",
    ),
    "several labels": lambda: small_model(
        ["sold", "kept"], Dense(1, "softplus"), Dense(2, "sigmoid"), loss="binary_cross_entropy", scaling="none", big=0.1
    ),
    "one number in": lambda: small_model(
        "size", Dense(3, "z/(1+abs(z)) + where(z > 1, 1/z, sin(3*z))"), Dense(1), loss="mean_squared_error", columns=("width",)
    ),
    "dates in": lambda: small_model(
        "sold", Dense(3, "elu"), Dense(2, "softmax"), loss="categorical_cross_entropy", columns=("when", "code")
    ),
}  # fmt: skip


def any_models(most: int, specs: Sequence[str], **more: Any) -> st.SearchStrategy[Model]:
    """Draw small models of every kind: targets, up to two hidden layers of up to ``most`` neurons, scalings, a stage, members."""

    def made(
        target: str, layers: Any, scaling: str, bias: str, with_stage: bool, members: int, seed: int
    ) -> Model:
        hidden = [
            Dense(n, spec, mix=mix, bias=bias, parametrization="ntk" if ntk else "standard")
            for n, spec, mix, ntk in layers
        ]
        output, loss = {
            "sold": (Dense(1, "sigmoid"), "binary_cross_entropy"),
            "kind": (Dense(4, "softmax"), "categorical_cross_entropy"),
            "price": (Dense(1), "mean_squared_error"),
        }[target]
        return small_model(
            target, *hidden, output, loss=loss, seed=seed, members=members, scaling=scaling, big=0.3,
            features=periodic if with_stage else None, **more,
        )  # fmt: skip

    layer = st.tuples(st.integers(1, most), st.sampled_from(specs), st.booleans(), st.booleans())
    return st.builds(
        made,
        st.sampled_from(["sold", "kind", "price"]),
        st.lists(layer, max_size=2),
        st.sampled_from(["robust", "standard", "minmax", "none"]),
        st.sampled_from(["neuron", "layer", "none"]),
        st.booleans(),
        st.integers(1, 3),
        st.integers(0, 9),
    )
