"""Every mistake gets one clear line on standard error and exit code 2, and changes no file."""

import errno
import os
import stat
from pathlib import Path

import pytest

from chainrule import cli
from chainrule.cli import COMMANDS, main

from .conftest import FAST, Run, contents


def rows(text: str, n: int = 40, **odd: str) -> str:
    """A table of x, z and y with n rows, where `odd` replaces cells of line 5."""
    lines = []
    for i in range(n):
        cells = {"x": f"{i * 0.37 % 5:.2f}", "z": f"{i * 7 % 11}", "w": f"{i % 4}", "y": "ab"[i % 2]}
        if i == 3:
            cells |= odd
        lines.append(",".join(cells[name] for name in text.split(",")))
    return "\n".join([text, *lines]) + "\n"


TABLES = {
    "empty.csv": "",
    "header.csv": "x,y\n",
    "one.csv": "x,y\n1,a\n",
    "constant.csv": "x,y\n1,a\n2,a\n3,a\n",
    "nothing.csv": "x,y\n1,\n2,NA\n3,\n",
    "unique.csv": "x,y\n" + "".join(f"{i},name{i}\n" for i in range(30)),
    "twice.csv": "x,x,y\n1,2,a\n3,4,b\n",
    "ragged.csv": "x,y\n1,a\n2,b,c\n3,a\n",
    "good.csv": rows("x,z,y"),
    "no_target.csv": "x,z\n1,2\n3,4\n",
    "infinite.csv": rows("x,z,y", x="inf"),
    "huge.csv": rows("x,z,y", x="1e309"),
    "odd.csv": rows("x,z,y", x="oops"),
    "infinite_target.csv": rows("x,z,w", w="-inf"),
    "lacking.csv": "x,y\n1,a\n2,b\n",
    "another_kind.csv": "x,z,y\n1,2,a\nfoo,3,b\n",
    "new_class.csv": "x,z,y\n1,2,q\n1,3,q\n",
    "no_label.csv": "x,z,y\n1,2,\n",
    "negative_weight.csv": rows("x,w,y", w="-1"),
    "missing_weight.csv": rows("x,w,y", w=""),
    "text_weight.csv": rows("x,w,y", w="heavy"),
    "no_weight.csv": "x,w,y\n" + "".join(f"{i},0,{'ab'[i % 2]}\n" for i in range(20)),
}

TARGET = ["--target", "y"]

BAD_TABLES = {
    "missing.csv": "missing.csv: there is no such file; check the path",
    "empty.csv": "empty.csv: the file is empty",
    "header.csv": "header.csv: there is a header (x, y) but no row below it",
    "one.csv": (
        "one.csv: the target 'y' is one class in the only row, so there is none to tell it from; add other rows"
    ),
    "constant.csv": (
        "constant.csv: the target 'y' is 'a' in every row, so there is nothing to learn; choose another target"
    ),
    "nothing.csv": "nothing.csv: the target 'y' is missing in every row; choose another target",
    "unique.csv": (
        "unique.csv: the target 'y' has a different value in every row ('name0', …), so its classes can't be "
        "learned; choose another target"
    ),
    "twice.csv": "twice.csv: columns 1 and 2 are both named 'x'; rename one of them",
    "ragged.csv": (
        "ragged.csv: line 3 has 3 fields, where the header has 2; quote the cells that hold the delimiter (','), "
        "or name another with --delimiter"
    ),
    "odd.csv": (
        "odd.csv: column 'x' is a number in 39 rows but 'oops' in line 5; correct it, or name it as missing with "
        "--missing oops"
    ),
}

BAD_WORDS = [
    ("", "TABLE is missing; see chainrule train --help"),
    (
        "good.csv",
        "--target is missing: name the column to predict; good.csv has x, z, y",
    ),
    ("good.csv --target q", "good.csv: the target 'q' is not there; the columns are x, z, y"),
    (
        "good.csv --target Y",
        "good.csv: the target 'Y' is not there; did you mean 'y'? The columns are x, z, y",
    ),
    ("good.csv --target", "--target: expected one argument; see chainrule train --help"),
    (
        "good.csv --target y --epocs 3",
        "there is no option --epocs; did you mean --epochs? See chainrule train --help",
    ),
    (
        "good.csv --target y --frobnicate",
        "there is no option --frobnicate; none is similar. See chainrule train --help",
    ),
    (
        "good.csv other.csv --target y",
        "one argument too many: 'other.csv'; put it in quotes if it belongs to the one before; see chainrule train --help",
    ),
    (
        "good.csv --target y --epochs x",
        "--epochs: 'x' is not a whole number; see chainrule train --help",
    ),
    ("good.csv --target y --epochs 0", "--epochs 0 must be a whole number, at least 1"),
    ("good.csv --target y --patience 0", "--patience 0 must be a whole number, at least 1"),
    ("good.csv --target y --members 0", "--members 0 must be a whole number, at least 1"),
    ("good.csv --target y --seed -1", "--seed -1 must be a whole number, at least 0"),
    (
        "good.csv --target y --seed 18446744073709551616",
        "--seed 18446744073709551616 must be less than 2^64",
    ),
    (
        "good.csv --target y --learning-rate fast",
        "--learning-rate: 'fast' is not a number; see chainrule train --help",
    ),
    ("good.csv --target y --learning-rate -1", "--learning-rate -1.0 must be a number above 0"),
    ("good.csv --target y --learning-rate nan", "--learning-rate nan must be a number above 0"),
    ("good.csv --target y --clip-norm 0", "--clip-norm 0.0 must be a number above 0"),
    ("good.csv --target y --dropout 1", "--dropout 1.0 must be at least 0 and less than 1"),
    ("good.csv --target y --validation-share 1", "--validation-share 1.0 must be at least 0 and less than 1"),
    (
        "good.csv --target y --test-share 1",
        "--test-share 1.0 must be at least 0 and less than 1",
    ),
    (
        "good.csv --target y --test-share .2 --test-file good.csv",
        "the score is on --test-share of the rows or on --test-file: leave one of them out",
    ),
    ("good.csv --target y --batch-size 0", "--batch-size 0 must be a whole number, at least 1"),
    (
        "good.csv --target y --batch-size some",
        "--batch-size: 'some' is neither a whole number of rows nor all; see chainrule train --help",
    ),
    (
        "good.csv --target y --hidden 8,0",
        "--hidden [8, 0] must be whole numbers of neurons, such as 64,32",
    ),
    (
        "good.csv --target y --hidden 8;4",
        "--hidden: '8;4' is not a list of whole numbers such as 64,32, nor none; see chainrule train --help",
    ),
    ("good.csv --target y --bias some", "--bias 'some' is unknown: choose neuron, layer, none"),
    (
        "good.csv --target y --init he",
        "--init: unknown initializer 'he': choose zeros, constant, uniform, normal, glorot_uniform, glorot_normal, "
        "he_uniform, he_normal, lecun_uniform, lecun_normal",
    ),
    (
        "good.csv --target y --init constant(value=x)",
        "--init: initializer constant: value=x is not a finite number",
    ),
    ("good.csv --target y --optimizer adm", "--optimizer: unknown optimizer 'adm': did you mean adam?"),
    ("good.csv --target y --schedule cosin", "--schedule: unknown schedule 'cosin': did you mean cosine?"),
    ("good.csv --target y --schedule step(every=0)", "--schedule: schedule step: every=0 is too small"),
    (
        "good.csv --target y --task classify",
        "--task 'classify' is unknown: choose classification, regression",
    ),
    (
        "good.csv --target y --scaling max",
        "--scaling 'max' is unknown: choose robust, standard, minmax, none",
    ),
    (
        "good.csv --target y --target-scaling standard",
        "the target 'y' has classes, which are not scaled (--target-scaling standard)",
    ),
    ("good.csv --target y --clamp", "--clamp is for numbers, and the target 'y' has classes: leave it out"),
    ("good.csv --target y --engine gpu", "--engine: unknown engine 'gpu': choose cpu, reference"),
    (
        "good.csv --target y --watch mae",
        "--watch mae doesn't fit classes: choose loss, error, accuracy, balanced_accuracy, f1, precision, recall, "
        "average_precision, log_loss, auc, refinement",
    ),
    ("good.csv --target y --decimal x", "--decimal 'x' is unknown: choose . or ,"),
    (
        "good.csv --target y --encoding foo",
        "--encoding 'foo' is unknown: choose utf-8, latin-1, cp1252, …",
    ),
    (
        "good.csv --target y --delimiter abc",
        "--delimiter 'abc' must be one character such as , ; | or the word tab",
    ),
    ("good.csv --target y --inputs q", "good.csv: the input 'q' is not there; the columns are x, z, y"),
    ("good.csv --target y --inputs y", "'y' is the target, so it can't be an input as well"),
    ("good.csv --target y --drop y", "'y' is the target, so it can't be dropped"),
    ("good.csv --target y --weights y", "'y' is the target, so it can't hold the rows' weights as well"),
    (
        "good.csv --target y --weights x --inputs x",
        "'x' is an input, so it can't hold the rows' weights as well",
    ),
    (
        "good.csv --target y --weights q",
        "good.csv: the column of weights 'q' is not there; the columns are x, z, y",
    ),
    (
        "good.csv --target y --loss poisson",
        "--loss poisson is for counts, but the target is a class: choose cross-entropy",
    ),
    (
        "good.csv --target x --loss hinge",
        "--loss hinge is for classes, but the target is a number: choose mean_squared_error",
    ),
    ("good.csv --target y --loss a", "--loss: loss 'a' must contain both a (the output) and y (the target)"),
    (
        "good.csv --target y --activation 2",
        "--activation: activation '2' doesn't contain z, so the network couldn't learn: write a formula in z",
    ),
    ("good.csv --target y --activation softmax", "softmax in layer 1: it serves as output layer only"),
    (
        "good.csv --target y --hidden 4,4 --activation relu,tanh,sigmoid,relu",
        "4 activations for 2 hidden layers: give one for all, one per hidden layer, or one more for the output layer",
    ),
    (
        "good.csv --target y --momentum 0.9 --optimizer rmsprop",
        "--momentum has no meaning for rmsprop: choose sgd, nesterov or adam, or leave it out",
    ),
    (
        "good.csv --target y --optimizer lbfgs --dropout 0.5",
        "lbfgs searches along the whole table's gradient, so --dropout can't be used with it",
    ),
    (
        "good.csv --target y --optimizer lbfgs --batch-size 5",
        "--batch-size would have no effect: lbfgs sees the whole table in each update; leave it out, or choose "
        "another --optimizer",
    ),
    (
        "good.csv --target y --optimizer lbfgs --warmup 5",
        "--warmup would have no effect: lbfgs finds the length of each step; leave it out",
    ),
    (
        "good.csv --target y --hidden none --activation tanh",
        "--activation would have no effect: there is no hidden layer; leave it out, or give --hidden",
    ),
    (
        "good.csv --target y --hidden none --dropout 0.5",
        "--dropout would have no effect: there is no hidden layer; leave it out, or give --hidden",
    ),
    (
        "good.csv --target y --no-early-stopping --patience 3",
        "--patience would have no effect: early stopping is off; leave it out, or add --early-stopping",
    ),
    (
        "good.csv --target y --optimizer perceptron --hidden 4",
        "Rosenblatt's perceptron rule trains one layer with the loss perceptron: leave out --hidden and --loss, or "
        "choose another optimizer",
    ),
    (
        "good.csv --target y --test-file lacking.csv",
        "lacking.csv: the column 'z' that the model was trained on is not there; the columns are x, y",
    ),
    (
        "good.csv --target y --test-file new_class.csv",
        "new_class.csv: line 2, column 'y': 'q' is none of the classes that were trained (a, b); correct it or leave "
        "the row out",
    ),
    ("good.csv --target y --test-file no_label.csv", "no_label.csv: no row has a value in the target 'y'"),
    (
        "infinite.csv --target y --infinite refuse",
        "infinite.csv: line 5, column 'x': 'inf' is not a finite number (beyond ±1.8e308); correct it, or name it "
        "as missing with --missing inf",
    ),
    (
        "huge.csv --target y --infinite refuse",
        "huge.csv: line 5, column 'x': '1e309' is not a finite number (beyond ±1.8e308); correct it, or name it as "
        "missing with --missing 1e309",
    ),
    (
        "infinite_target.csv --target w --infinite refuse",
        "infinite_target.csv: line 5, column 'w': '-inf' is not a finite number (beyond ±1.8e308); correct it, or "
        "name it as missing with --missing -inf",
    ),
    (
        "negative_weight.csv --target y --weights w",
        "negative_weight.csv: line 5, column 'w': '-1' is negative, which no weight can be; write 0 to leave the row out",
    ),
    (
        "missing_weight.csv --target y --weights w",
        "missing_weight.csv: line 5, column 'w': the weight is missing; write 0 to leave the row out",
    ),
    (
        "text_weight.csv --target y --weights w",
        "text_weight.csv: line 5, column 'w': 'heavy' is not a number; correct it, or name it as missing with "
        "--missing heavy",
    ),
    (
        "no_weight.csv --target y --weights w",
        "no_weight.csv: column 'w': every weight is 0, so there is nothing to learn from; give rows that count a "
        "weight above 0",
    ),
    (
        "good.csv --target y --out nowhere/m.safetensors",
        "can't write nowhere/m.safetensors: there is no folder nowhere; create it or choose another "
        "with --out",
    ),
    ("good.csv --target y --out .", ". is a folder; add the name of a file in it"),
    (
        "good.csv --target y --out old.safetensors",
        "old.safetensors exists; choose another name with --out or add --overwrite",
    ),
    (
        "good.csv --target nothing --out old.safetensors",
        "good.csv: the target 'nothing' is not there; the columns are x, z, y",
    ),
    (
        "good.csv --target y --history old.safetensors",
        "old.safetensors exists; choose another name with --history or add --overwrite",
    ),
    (
        "good.csv --target y --history new --out new",
        "--out and --history are the same file, new; choose another name",
    ),
    (
        "good.csv --target y --out good.csv --overwrite",
        "good.csv is a table to be read, and would be lost; choose another --out",
    ),
    (
        "good.csv --target y --test-file odd.csv --history ./odd.csv --overwrite",
        "odd.csv is a table to be read, and would be lost; choose another --history",
    ),
]


@pytest.fixture
def refused(run: Run, folder: Path):
    """Assert that a command is refused with one line, and that no file has changed."""
    for name, text in TABLES.items():
        (folder / name).write_text(text)
    (folder / "old.safetensors").write_text("precious")

    def check(message: str, *arguments: str) -> None:
        before = contents(folder)
        result = run(*arguments)
        assert (result.code, result.out, result.err) == (2, "", f"error: {message}\n")
        assert contents(folder) == before

    return check


@pytest.mark.parametrize("table", BAD_TABLES)
def test_a_bad_table(refused, table):
    refused(BAD_TABLES[table], "train", table, *TARGET)


@pytest.mark.parametrize(("words", "message"), BAD_WORDS, ids=[words for words, _ in BAD_WORDS])
def test_bad_words(refused, words, message):
    engine = [] if "--engine" in words else ["--engine", "reference"]
    refused(message, "train", *words.split(), *(engine if words else []))


def test_numbers_that_are_not_finite_from_the_start(run, folder):
    (folder / "good.csv").write_text(TABLES["good.csv"])
    before = contents(folder)
    result = run("train", "good.csv", *TARGET, *FAST, "--activation", "log(z)")
    assert result.code == 2
    assert result.err == (
        "error: with its initial weights the network's numbers are not finite from layer 2 on: choose another "
        "--activation, --loss or --scaling\n"
    )
    assert contents(folder) == before


def test_unknown_names_are_answered_with_all_names_or_the_nearest(refused, run):
    result = run("train", "good.csv", *TARGET, "--activation", "reluu")
    assert result.code == 2
    assert result.err.startswith("error: --activation: unknown activation 'reluu': did you mean relu")
    result = run("train", "good.csv", *TARGET, "--loss", "foo")
    assert "choose half_squared_error, mean_squared_error, " in result.err
    result = run("train", "good.csv", *TARGET, "--activation", "z.__class__")
    assert "'.' is not allowed" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tarin"], "there is no command 'tarin'; did you mean train?"),
        (["warm-up", "--frob"], "there is no option --frob; choose -h, --help. See chainrule warm-up --help"),
        (["--quiet"], f"there is no option '--quiet'; choose {', '.join(COMMANDS)}"),
        (["evaluate"], "MODEL and TABLE are missing; see chainrule evaluate --help"),
        (["predict", "m"], "TABLE is missing; see chainrule predict --help"),
        (["describe"], "MODEL is missing; see chainrule describe --help"),
        (["formulas", "loss"], "there are no formulas called 'loss'; did you mean losses?"),
        (["describe", "none"], "none does not exist; check the name, or make it: chainrule train"),
        (
            ["describe", "good.csv"],
            "good.csv is not a model file but text (a table?); name one that chainrule train wrote",
        ),
        (["predict", "good.csv", "good.csv", "--out", "p.xls"],
         "can't write a table to a file with the ending '.xls'; use .csv, .tsv, .tab, .parquet, .pq, .ndjson, .jsonl"),
        (["predict", "good.csv", "good.csv", "--out", "old.csv/p.csv"],
         "can't write old.csv/p.csv: there is no folder old.csv; create it or choose another with --out"),
        (["predict", "good.csv", "good.csv", "--out", "good.csv", "--overwrite"],
         "good.csv is a file to be read, and would be lost; choose another --out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_other_commands(refused, arguments, message):
    refused(message, *arguments)


NEW_TABLES = {
    "lacking.csv": "lacking.csv: the column 'z' that the model was trained on is not there; the columns are x, y",
    "another_kind.csv": (
        "another_kind.csv: line 3, column 'x': 'foo' is not a number; correct it, or name it as missing with "
        "--missing foo"
    ),
    "header.csv": "header.csv: there is a header (x, y) but no row below it",
}


@pytest.mark.parametrize("table", NEW_TABLES)
def test_a_new_table_that_does_not_fit_the_model(refused, run, table):
    assert run("train", "good.csv", *TARGET, *FAST, "--quiet").code == 0
    refused(NEW_TABLES[table], "predict", "good.safetensors", table, "--out", "p.csv")
    refused(NEW_TABLES[table], "evaluate", "good.safetensors", table)


def test_a_new_table_with_other_classes(refused, run):
    assert run("train", "good.csv", *TARGET, *FAST, "--quiet").code == 0
    refused(
        "no_target.csv has no column 'y', so there is nothing to score against: to get its answers, chainrule predict "
        "good.safetensors no_target.csv",
        "evaluate",
        "good.safetensors",
        "no_target.csv",
    )
    refused(
        "new_class.csv: line 2, column 'y': 'q' is none of the classes that were trained (a, b); correct it or leave "
        "the row out",
        "evaluate",
        "good.safetensors",
        "new_class.csv",
    )
    refused(
        "no_label.csv: no row has a value in the target 'y'", "evaluate", "good.safetensors", "no_label.csv"
    )


def test_outputs_are_refused_before_anything_is_read(refused):
    refused(
        "can't write nowhere/m.safetensors: there is no folder nowhere; create it or choose another with --out",
        "train", "missing.csv", *TARGET, "--out", "nowhere/m.safetensors",
    )  # fmt: skip
    refused(
        "can't write nowhere/p.csv: there is no folder nowhere; create it or choose another with --out",
        "predict", "missing.safetensors", "missing.csv", "--out", "nowhere/p.csv",
    )  # fmt: skip


def test_no_permission(refused, folder, monkeypatch):
    """For root every folder is open, so the system's answer is made up where the tests run as root."""
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(closed, os.W_OK):
        real = os.access
        monkeypatch.setattr(
            os, "access", lambda path, mode: Path(path) != Path("closed") and real(path, mode)
        )
    refused(
        "can't write closed/m.safetensors: no permission to write in closed; choose another folder with --out",
        "train", "good.csv", *TARGET, "--out", "closed/m.safetensors",
    )  # fmt: skip


def test_a_full_disk_leaves_nothing(refused, folder, monkeypatch):
    """The disk is full when the file is synced: neither model nor history is left, nor a temporary file."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for extra in ([], ["--history", "h.csv"]):
        before = contents(folder)
        name = "h.csv" if extra else "good.safetensors"
        refused(
            f"can't write {name}: the disk is full; free some space or choose another disk with --out",
            "train", "good.csv", *TARGET, *FAST, "--quiet", *extra,
        )  # fmt: skip
        assert contents(folder) == before


def test_a_full_disk_under_the_model_takes_the_history_with_it(run, folder, monkeypatch):
    (folder / "good.csv").write_text(TABLES["good.csv"])
    before = contents(folder)
    real, calls = os.fsync, []

    def full_at_second(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_second)
    result = run("train", "good.csv", *TARGET, *FAST, "--quiet", "--history", "h.csv")
    assert (result.code, len(calls)) == (2, 2)
    assert result.err.startswith("error: can't write good.safetensors: the disk is full")
    assert contents(folder) == before


def test_too_little_memory(refused, monkeypatch):
    def starve(*arguments: object) -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr("chainrule.fitting.timing.initial_parameters", starve)
    refused(
        "there is not enough memory (Unable to allocate 3 TiB); use smaller --hidden layers, or fewer rows or columns",
        "train", "good.csv", *TARGET, "--quiet",
    )  # fmt: skip


def test_a_control_character_in_a_name_does_not_reach_the_screen(run, folder):
    (folder / "evil.csv").write_text(
        "x\x1b[31m,y\x1b[2J\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40))
    )
    result = run("train", "evil.csv", "--target", "y\x1b[2J", *FAST)
    assert result.code == 0
    assert "x\\x1b[31m" in result.out
    assert "\x1b" not in result.out + result.err
    result = run("train", "evil.csv", "--target", "q\x1b[2J", *FAST, "--overwrite")
    assert "\x1b" not in result.err


def test_a_mistake_in_the_program_is_not_dressed_up(run, monkeypatch):
    """Only a user's mistakes are told in one line: a defect keeps its traceback."""
    monkeypatch.setattr(cli, "_run", lambda arguments: [][1])
    with pytest.raises(IndexError):
        main(["describe"])
