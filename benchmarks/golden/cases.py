"""What is trained and what is printed, as data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import chainrule

Parts = dict[str, dict[str, Any]]
"""A case's parts by name: each with its ``kind`` (text, json, arrays) and its ``value``."""

PACKAGE = Path(chainrule.__file__).parent
ROOTS = (PACKAGE.parents[1], Path(__file__).resolve().parents[2])
P = "penguins.csv"

# ---- what is trained: name -> table, target, words of `chainrule.train`

words = str.split
# fmt: off
SMALL: Mapping[str, Any] = {"hidden": [8], "members": 1, "epochs": 4}
STAGE_WORDS: Mapping[str, Mapping[str, Any]] = {
    "periodic": {"numeric_embedding": "periodic"}, "learned": {"category_embedding": "learned"},
    "scaled": {"scaling_layer": True}}
STAGES = {"-".join(names): {k: v for name in names for k, v in STAGE_WORDS[name].items()}
          for n in (1, 2, 3) for names in itertools.combinations(STAGE_WORDS, n)}
WHOLE = STAGES["periodic-learned-scaled"]
NUMBERS: Mapping[str, Any] = {
    "hidden": [5, 4], "activation": ["tanh", "leaky_relu(alpha=0.2)"], "members": 2, "epochs": 4, "batch_size": 16,
    "dropout": 0.2, "clip_norm": 0.5, "l1": 0.001, "l2": 0.01, "weight_decay": 0.02, "rate_factors": {"b": 0.5},
    "regularization_schedule": "flat_cosine", "schedule": "cosine", "warmup": 1, "activation_mix": True,
    "parametrization": "ntk"}
CLASSES: Mapping[str, Any] = {**NUMBERS, "label_smoothing": 0.1}
SHARED: Mapping[str, Any] = {"hidden": [6, 4], "members": 3, "sharing": "tabm", "epochs": 4}
SLOW: Mapping[str, Any] = {"engine": "reference"}
FEW: Mapping[str, Any] = {"epochs": 3, "batch_size": 16, "members": 1}
COUNTS: Mapping[str, Any] = {"loss": "poisson", "task": "regression"}
SPECIES, MASS, SEX, KIND = (P, "species"), (P, "body_mass_g"), (P, "sex"), ("shop.csv", "kind")
PRICE, SOLD, ARTICLE = ("shop.csv", "price"), ("shop.csv", "sold"), ("abc.csv", "Target")
OPTIMIZERS = words("gradient_descent sgd momentum nesterov rmsprop adam adamw adam_epsilon_hat lbfgs")

EACH: Mapping[str, tuple[Sequence[Any], Sequence[str]]] = {
    "optimizer": ((SPECIES, MASS), OPTIMIZERS), "bias": ((SPECIES, MASS), ["neuron", "layer", "none"]),
    "schedule": ((SPECIES, MASS), words("constant step(every=2) inverse_scaling cosine coslog4 plateau(patience=1)")),
    "activation": ((SPECIES,), words("identity binary_step sigmoid tanh relu leaky_relu(alpha=0.2) elu selu softplus silu "
                                     "gelu mish exponential z/(1+abs(z))")),
    "loss": ((MASS,), [*words("half_squared_error mean_absolute_error huber(delta=0.5) quantile(q=0.9)"), "log(1 + (a-y)^2)"]),
    "init": ((SPECIES,), words("auto data zeros constant uniform normal glorot_uniform glorot_normal he_uniform he_normal "
                               "lecun_uniform lecun_normal")),
    "scaling": ((SPECIES,), ["robust", "standard", "minmax", "none"]),
    "target_scaling": (((P, "bill_depth_mm"),), ["standard", "minmax", "none"])}
"""Settings of which every value is tried in a small network, and for which targets."""

SMALL_ONES: Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]] = {
    SPECIES: {
        "one-sigmoid-each": {"output_activation": "sigmoid", "loss": "binary_cross_entropy"},
        "mix": {"activation_mix": True, "rate_factors": {"alpha": 0.1}}, "ntk": {"hidden": [6, 4], "parametrization": "ntk"},
        "dropout-clip": {"hidden": [8, 6], "dropout": 0.3, "clip_norm": 0.1}, "l1": {"l1": 0.01}, "seed": {"seed": 2**63 + 7},
        "weight-decay": {"weight_decay": 0.1, "optimizer": "adamw"}, "momentum": {"optimizer": "sgd", "momentum": 0.5},
        "whole-table": {"batch_size": "all", "learning_rate": 0.05}, "no-early-stopping": {"early_stopping": False},
        **{f"watch-{name}": {"members": 2, "epochs": 20, "watch": name, "patience": 3, "tolerance": 0.001, "learning_rate": 0.02}
           for name in ("loss", "error", "refinement")},
        "stop-together": {"members": 3, "stop_together": True, "epochs": 25, "patience": 2},
        "bagging": {"members": 3, "bagging": True, "calibrate": True}, "threads": {"members": 3, "threads": 1},
        "refit": {"members": 2, "refit": True, "schedule": "cosine", "calibrate": True}, "time-limit": {"time_limit": 5000},
        "inputs": {"inputs": ["island", "bill_length_mm"], "test_share": 0.0}, "test-file": {"test_file": "few.csv"},
        "reference": SLOW},
    MASS: {
        "mix-lbfgs": {"activation_mix": True, "optimizer": "lbfgs"}, "l2": {"l2": 0.1}, "clamp": {"clamp": True},
        "ntk-lbfgs": {"parametrization": "ntk", "optimizer": "lbfgs", "l1": 0.01, "l2": 0.1},
        "bagging-together": {"members": 4, "bagging": True, "stop_together": True},
        "dropout-clip": {"dropout": 0.1, "clip_norm": 1.0, "members": 3},
        "watch-error": {"watch": "error", "epochs": 12, "patience": 2}, "refit-lbfgs": {"refit": True, "optimizer": "lbfgs"},
        "refit-plateau": {"refit": True, "epochs": 12, "schedule": "plateau(patience=1)"},
        "diverged": {"optimizer": "sgd", "learning_rate": 60.0, "members": 2},
        "reference-lbfgs": {**SLOW, "optimizer": "lbfgs", "l2": 0.1},
        **{f"reference-{name}": {**SLOW, "optimizer": name, "clip_norm": 0.5} for name in ("rmsprop", "momentum", "adamw")}},
    SEX: {
        "categorical": {"loss": "categorical_cross_entropy(label_smoothing=0.1)"}, "hinge": {"loss": "hinge"},
        "perceptron-loss": {"hidden": [], "loss": "perceptron", "optimizer": "sgd"},
        "label-smoothing": {"label_smoothing": 0.2},
        "calibrate": {"calibrate": True, "validation_share": 0.3},
        "reference-bagging": {**SLOW, "members": 2, "bagging": True}},
    KIND: {**{f"stage-{name}": stage for name, stage in STAGES.items()},
           "weights": {"weights": "importance", "calibrate": True},
           "stage-rates": {**WHOLE, "rate_factors": {"f": 1, "s": 2, "E": 0.5, "W": 0.9}}},
    PRICE: {**{f"stage-{name}": {**stage, "weight_decay": 0.01, "l2": 0.01} for name, stage in STAGES.items()},
            "stage-lbfgs": {**WHOLE, "optimizer": "lbfgs"}, "weights": {"weights": "importance", "optimizer": "lbfgs"}},
    SOLD: {"poisson": COUNTS}, ARTICLE: {"row-by-row": {"batch_size": 1, "hidden": [4], "optimizer": "sgd"}},
    (P, "year"): {"drop": {"drop": ["island"], "task": "classification", "test_share": 0.4}},
    ("shop-eu.csv", "kind"): {"reading": {"delimiter": ";", "decimal": ",", "missing": ["?"], "encoding": "latin-1"}}}
"""By table and target: name -> what a small network has otherwise."""

OTHERS: Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]] = {
    SPECIES: {
        "recipe": {}, "fast": {"fast": True}, "recipe-with-layers": {"recipe": True, "hidden": [8], "epochs": 6, "members": 2},
        **{f"fast-{name}": {"fast": True, "recipe": True, "optimizer": name, "epochs": 4}
           for name in ("adamw", "adam_epsilon_hat", "sgd")},
        **{f"tabm-{name}": {**SHARED, "optimizer": name} for name in ("adam", "nesterov", "sgd")},
        "tabm-everything": {**CLASSES, "members": 3, "sharing": "tabm"}, "everything": {**CLASSES, "init": "data"},
        "reference-everything": {**CLASSES, **SLOW}},
    MASS: {"recipe": {}, "fast": {"fast": True}, "tabm": SHARED},
    SEX: {"fast": {"fast": True}, "plain": {"recipe": False, "epochs": 3, "members": 1},
          "perceptron": {"optimizer": "perceptron", "epochs": 5},
          "reference-perceptron": {**SLOW, "optimizer": "perceptron", "epochs": 2}},
    KIND: {"fast": {"fast": True, "epochs": 8}, "everything-stage": {**CLASSES, **WHOLE},
           "tabm-stage": {**SHARED, **WHOLE, "refit": True, "calibrate": True},
           "reference-tabm": {**SHARED, **WHOLE, **SLOW, "dropout": 0.1, "clip_norm": 1.0}},
    PRICE: {"everything-stage": {**NUMBERS, **WHOLE, "optimizer": "nesterov"}, "reference-stage": {**NUMBERS, **WHOLE, **SLOW}}}
"""By table and target: name -> all words."""

MODELS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "classes": (*SPECIES, {**CLASSES, "epochs": 3}), "numbers": (*MASS, {**FEW, "hidden": [4], "optimizer": "nesterov"}),
    "stage": (*KIND, {**FEW, "hidden": [3], **WHOLE, "members": 2, "bagging": True}),
    "article": (*ARTICLE, {**FEW, "batch_size": 1, "hidden": [4], "activation": "sigmoid", "bias": "none", "scaling": "minmax",
                           "optimizer": "sgd", "loss": "half_squared_error"}),
    "binary": (*SEX, {**FEW, "hidden": [], "optimizer": "sgd", "clip_norm": 0.1}),
    "formula": (*MASS, {**FEW, "hidden": [4, 3, 3], "bias": "layer", "activation": "z/(1+abs(z))", "loss": "log(1 + (a-y)^2)",
                        "optimizer": "rmsprop", "clamp": True}),
    "wide": (*SPECIES, {**FEW, "hidden": [16, 14], "optimizer": "adamw", "calibrate": True}),
    "tabm": (*SPECIES, {**SHARED, "epochs": 2}), "poisson": (*SOLD, {**SMALL, **COUNTS})}
"""The models that the command line explains, checks, diagnoses and describes."""


def _trainings() -> Iterator[tuple[str, tuple[str, str, Mapping[str, Any]]]]:
    for setting, (targets, values) in EACH.items():
        epochs = {"epochs": 6} if setting == "schedule" else {}
        for source, target in targets:
            for value in values:
                yield f"{target} {setting} {value}", (source, target, {**SMALL, **epochs, setting: value})
    for (source, target), found in SMALL_ONES.items():
        yield from ((f"{target} {name}", (source, target, {**SMALL, **given})) for name, given in found.items())
    for (source, target), found in OTHERS.items():
        yield from ((f"{target} {name}", (source, target, given)) for name, given in found.items())
    yield from MODELS.items()


TRAININGS = dict(_trainings())

# ---- what is printed

ROW_3 = words("x[1] z[1][2] a[1][1] z[2][1] a[2][1] loss C y[1] delta[1][2] delta[2][1] dC/da[1][1] dC/dh[1][1] dC/dx[1] "
              "f'[1][2] dC/dW[1][2,1] dC/dW[2][1,1] dC/db[1][1] dC/dW[1] dC/dW[2] dC/db[1] delta[1] dC/da[1] dC/dx z[1]")
STEP_4 = words("W_new[1][2,1] W_new[2][1,1] b_new[1][1] C_new eta penalty norm g/dW[1][2,1] penalized/dW[1][2,1] "
               "W_decayed[1][2,1] t")
STAGE = words("u[0][1,3] e[0][1] e[0][4] a[0][1] a[0][4] s[0][1] f[0][1,3] V[0][1,3,2] c[0][1,2] E[0][1,2] phi[0][1,3] "
              "dC/df[0][1,3] "
              "dC/dphi[0][1,3] dC/dV[0][1,3,2] dC/dc[0][1,2] dC/dE[0][1,2] dC/ds[0][1] dC/du[0][1,3] dC/de[0][1] "
              "dC/da[0][1] dC/da[0] du/df[0][1,3] du/dphi[0][1,3] du/dx[0][1,3] dC/dx[1]")
STAGE_STEP_3 = words("f_new[0][1,3] phi_new[0][1,3] V_new[0][1,3,2] c_new[0][1,2] E_new[0][1,2] s_new[0][1] m_hat/df[0][1,3]")
CLASSES_STEP_6 = words("m/dW[1][2,1] m_new/dW[1][2,1] v_hat/dW[1][2,1] alpha_new[1][1] strength r[1][1]@row=130 "
                       "loss_new@row=130")
CLASSES_ROW_9 = words("alpha[1][2] dC/dalpha[1][2] scale[1] y_smooth[1] probability[2] mean_a[1] h[1][2]")
FORMS = ("short", "paths", "recursive", "matrix")


def _explained() -> Iterator[tuple[str, str]]:
    """The model and the options of every explanation, which is shown as text and as JSON."""
    for model in ("classes", "numbers", "article", "formula", "wide"):
        yield from ((model, f'--row 3 --address "{address}"') for address in ROW_3)
        yield from ((model, f"--step 4 --address {address}") for address in STEP_4)
        yield from ((model, f"--row 2 --address {address} --form {form}")
                    for form in FORMS for address in ("dC/dW[1][1,1]", "dC/db[2][1]", "delta[1][1]", "dC/dx[2]"))
        yield from ((model, options) for options in (
            "--row 2", "--step 2", "--hand 2 --row 1", "--hand 3 --row 2 --address dC/dW[1][1,1] --paths",
            "--step 1 --hand 2 --address W_new[1][1,1]", "--step 3 --address dC/dW[1][2,1] --paths", "--attributions --row 5"))
    yield from (("classes", f"--step 6 --address {address}") for address in CLASSES_STEP_6)
    yield from (("classes", f"--row 9 --address {address}") for address in CLASSES_ROW_9)
    yield from (("classes", options) for options in (
        "--member 2 --row 7 --address z[2][1] --digits 12", "--attributions --baseline missing --row 4",
        "--attributions --member 2"))
    yield "numbers", "--row 9 --address prediction"
    yield from (("stage", f"--row 5 --address {address}") for address in STAGE)
    yield from (("stage", f"--step 3 --address {address}") for address in STAGE_STEP_3)
    yield from (("stage", f"--row 6 --address {address} --form {form}")
                for form in FORMS for address in ("dC/dE[0][2,3]", "dC/df[0][1,3]", "dC/dx[1]"))
    yield from (("stage", options) for options in ("--row 4", "--hand 2 --address a[0][1]", "--attributions --row 8"))
    yield from (("binary", f"--row 2 --address {address}") for address in words(
        "z[1][1] a[1][1] delta[1][1] dC/dW[1][3,1] dC/db[1][1] probability[1]"))
    yield "binary", "--step 2 --address W_new[1][3,1]"
    yield from (("tabm", f"--step 2 --address {address}") for address in ("dC/dW[1][1,1]", "W_new[1][1,1]"))
    yield "poisson", "--address delta[2][1]"


PAGES = {
    ("classes", "--row 2"), ("classes", "--step 2"), ("classes", "--row 2 --address dC/dW[1][1,1] --form paths"),
    ("stage", "--row 4"), ("classes", "--row 3 --address \"dC/dW[1]\""), ("article", "--hand 2 --row 1"),
    ("numbers", "--attributions --row 5"),
    ("stage", "--row 5 --address dC/df[0][1,3]"), ("formula", "--row 3 --address \"f'[1][2]\"")}
"""The explanations that are shown as HTML and LaTeX, too."""

LESSONS = words("article-1 article-2 article-3 article-4 article-5 and-or-xor one-neuron vanishing-gradients dead-relu "
                "momentum adam")
HELP = words("train evaluate predict check diagnose explain describe lesson sheet formulas warm-up")
T, OUT = f"train {P} --target species --out out.safetensors", "--out out.safetensors"
COMMANDS: Mapping[str, Sequence[str]] = {
    "overview": ["", "--help", "--version", *(f"{name} --help" for name in HELP)],
    "formulas": ["formulas", *(f"formulas {kind}" for kind in words(
        "activations losses optimizers schedules strengths initializers scalings"))],
    "train": [
        f"{T} --hidden 8 --members 1 --epochs 3", f"{T} --fast --epochs 5 --members 2 --json", f"{T} --fast --epochs 2 -q",
        f"train {P} --target body_mass_g --hidden none --optimizer lbfgs --epochs 9 {OUT}",
        f"train {P} --target sex --hidden 4 --members 2 --epochs 3 --bagging {OUT} --json",
        f"train shop.csv --target kind --hidden 4 --epochs 2 --members 2 --refit --weights importance {OUT}",
        f"train shop.csv --target price --sharing tabm --epochs 2 --members 3 {OUT} --history out.csv",
        f"train {P} --target sex --optimizer perceptron --epochs 2 {OUT}",
        f"{T} --hidden 3 --epochs 2 --members 1 --test-share 0",
        f"train shop.ndjson --target kind --hidden 3 --epochs 2 --members 1 {OUT}", f"{T} --loss huber --epochs 4 --members 2",
        f"train shop-eu.csv --target kind --decimal , --missing ? --hidden 3 --epochs 2 --members 1 {OUT}",
        f"{T} --hidden 8 --optimizer sgd --learning-rate 1e300 --epochs 2",
        f"train {P} --target species --fast --epochs 2 --ablate 1 --json"],
    "evaluate": [f"evaluate {name}.safetensors {MODELS[name][0]}{more}" for name in ("classes", "numbers", "stage", "binary")
                 for more in ("", " --json")],
    "predict": [
        "predict classes.safetensors few.csv", "predict numbers.safetensors few.csv --with-inputs",
        "predict stage.safetensors shop.csv", "predict binary.safetensors few.csv --threads 1",
        "predict classes.safetensors few.csv --out out.ndjson", "predict classes.safetensors -"],
    "describe": [f"describe {name}.safetensors{more}" for name in MODELS for more in ("", " --json")],
    "check": [
        *(f"check {name}.safetensors {P} --rows 8 --sample 40{more}"
          for name in ("classes", "numbers", "binary", "formula", "tabm") for more in ("", " --json")),
        "check stage.safetensors shop.csv --rows 6 --sample 30", "check article.safetensors abc.csv --row 1 --all-weights",
        f"check classes.safetensors {P} --member 2 --seed 3 --rows 5 --sample 20"],
    "diagnose": [
        *(f"diagnose {name}.safetensors {P}{more}"
          for name in ("classes", "numbers", "wide", "binary") for more in ("", " --json")),
        "diagnose stage.safetensors shop.csv", f"diagnose species-init-zeros.safetensors {P}",
        f"diagnose species-scaling-none.safetensors {P} --json", f"diagnose body_mass_g-diverged.safetensors {P}",
        f"diagnose species-activation-sigmoid.safetensors {P} --member 1 --seed 2",
        f"diagnose body_mass_g-refit-lbfgs.safetensors {P}"],
    "sheet": ["sheet article-5", "sheet article-1 --variants 2 --seed 7 --format latex",
              "sheet one-neuron --blank all --only sheets",
              "sheet adam --only keys --format latex --seed 3", "sheet momentum --blank last5 --variants 2"],
    "lesson": ["lesson", "lesson article-1 --all --steps 2-3", "lesson mine.toml --all", "lesson wrong.toml --all"],
    "mistake": [
        "trian", "--nothing", "train", f"train {P}", "train absent.csv --target y", f"train {P} --target specie",
        *(f"{T} {options}" for options in (
            "--hiden 8", "--hidden 8,x", "--hidden 0", "--hidden 8 --activation reluu", "--hidden 8 --activation sin(",
            "--engine gpu",
            "--hidden 8,4 --activation relu,tanh,selu,elu", "--loss poisson", "--optimizer adm", "--optimizer 'adam(beta=1)'",
            "--schedule cosin", "--epochs 0", "--epochs 1.5", "--dropout 1", "--hidden none --dropout 0.1", "--bias some",
            "--init he",
            "--hidden 8 --patience 3 --no-early-stopping", "--bagging --validation-share 0.1", "--members 1 --bagging",
            "--fast --hidden 8", "--fast --optimizer lbfgs", "--recipe --optimizer lbfgs",
            "--optimizer lbfgs --dropout 0.1 --hidden 4",
            "--optimizer lbfgs --batch-size 4", "--optimizer perceptron --hidden 3", "--sharing tabm --hidden none",
            "--sharing tabm --members 1", "--sharing some", "--calibrate --loss hinge", "--calibrate --no-early-stopping",
            "--clamp", "--watch what", "--watch refinement --loss hinge", "--momentum 0.9 --optimizer rmsprop", "--seed -1",
            "--learning-rate 0",
            "--rate-factors q=1 --hidden 3", "--rate-factors b", "--regularization-schedule flat_cosine --hidden 3",
            "--threads 0",
            "--category-embedding learned", "--numeric-embedding some", "--label-smoothing 0.1 --loss hinge", "--test-share 2",
            "--test-file absent.csv", "--inputs island,nothing", "--drop nothing", "--inputs island --drop island",
            "--time-limit 0",
            "--weights island", "--task ranking", "--scaling maximum", "--parametrization some", "--ablate 1", "--warmup -1",
            "--stop-together --members 1 --hidden 3", "--delimiter ab", "--encoding nothing")),
        f"train {P} --target species --ablate --hidden 3", f"train {P} --target species --ablate --optimizer lbfgs",
        f"train {P} --target species --out classes.safetensors", "train few.csv --target few",
        *(f"train shop.csv --target {options}" for options in (
            "price --loss hinge", "price --label-smoothing 0.1", "price --calibrate", "id",
            "sold --task regression --loss poisson --target-scaling standard")),
        "evaluate absent.safetensors few.csv", "evaluate few.csv few.csv", "evaluate classes.safetensors shop.csv",
        "evaluate cut.safetensors few.csv", "evaluate flipped.safetensors few.csv", "predict classes.safetensors abc.csv",
        "predict classes.safetensors few.csv --out few.csv", "predict classes.safetensors few.csv --out x.xlsx", "describe",
        "describe absent.safetensors", f"check classes.safetensors {P} --row 0", "check classes.safetensors few.csv --member 9",
        f"check classes.safetensors {P} --row 2 --rows 3", "diagnose classes.safetensors shop.csv",
        f"diagnose classes.safetensors {P} --member 0", "explain classes.safetensors few.csv --step 2",
        *(f"explain classes.safetensors {P} {options}" for options in (
            "--row 0", "--row 999", "--address z[9][1]", "--address z[1][99]", "--address q[1]", "--address z[1",
            "--address W_new[1][1,1]", "--form paths", "--form some --address C", "--member 3", "--step 0", "--step 9999",
            "--digits 0",
            "--hand 0", "--attributions --address C", "--baseline missing", "--address r[1][1]", "--address u[0][1,1]",
            "--format pdf", "--address a[2]", "--step 4 --address loss_new", "--step 1 --row 2 --address C")),
        "explain numbers.safetensors penguins.csv --row 4 --address delta[1][1]", "lesson nothing", "lesson adam --steps 9-2",
        "lesson adam --steps 99", "lesson absent.toml", "lesson bad.toml --all", "lesson adam --format pdf", "sheet nothing",
        "sheet adam --variants 0", "sheet adam --blank some", "formulas nothing", "formulas a b"]}
"""Command lines by group; each is a case of its own."""

WIDTHS = {"train": "200", "lesson": "80"}
"""Columns by command, 100 otherwise: wide where a line has seconds in it, so that it is never wrapped after them."""

IN_PROCESSES = (f"{T} --hidden 4 --epochs 2 --members 1 --overwrite", "describe out.safetensors", "lesson adam --all", "trian")
"""Commands that are run as a user does, by ``python -m chainrule``, without a terminal."""
# fmt: on
