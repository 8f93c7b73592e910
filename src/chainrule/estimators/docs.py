"""The parameters and attributes that several estimators have, written once, in numpydoc's form."""

from __future__ import annotations

from functools import update_wrapper
from inspect import cleandoc, getattr_static
from types import FunctionType
from typing import Any, TypeVar

from chainrule.engines import ENGINES, REGISTRY
from chainrule.training.settings.fields import Setting, listed, numpydoc
from chainrule.training.settings.record import Settings

C = TypeVar("C", bound=type[Any])

TEXTS = {
    "scikit_learn": """
hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
    Neurons of each hidden layer.
activation : str or sequence of str, default='relu'
    Activation of the hidden layers: 'identity', 'logistic', 'tanh', 'relu', any other of
    `chainrule.equations.activations.ACTIVATIONS` such as 'leaky_relu(alpha=0.1)' or 'mish', or a formula in ``z``.
    A sequence gives one for each hidden layer.
solver : {'lbfgs', 'sgd', 'adam'} or str, default='adam'
    Optimizer; besides scikit-learn's three any of `chainrule.equations.optimizers.OPTIMIZERS`, such as 'adamw' or
    'rmsprop(rho=0.95)'.
alpha : float, default=0.0001
    Strength of the L2 penalty alpha/2 · ||W||², divided by the rows of a batch; biases aren't penalized.
batch_size : int, default='auto'
    Rows per update; 'auto': min(200, n_samples). 'lbfgs' takes all.
learning_rate : {'constant', 'invscaling', 'adaptive'} or str, default='constant'
    scikit-learn's three (for solver='sgd'; 'adam' leaves them out), or for any solver one of
    `chainrule.equations.schedules.SCHEDULES`, such as 'cosine' or 'step(every=10)'. 'invscaling' is
    learning_rate_init / (rows seen + 1)^power_t, set after each epoch; 'adaptive' divides by 5 where training would
    have ended, as long as the rate is above 1e-6.
learning_rate_init : float, default=0.001
    The learning rate before the schedule. Not used by 'lbfgs'.
power_t : float, default=0.5
    The exponent of 'invscaling'.
max_iter : int, default=200
    Most epochs, or iterations of 'lbfgs'.
shuffle : bool, default=True
    Whether every epoch has an order of rows of its own.
random_state : int, RandomState instance, default=None
    Seeds initial weights, the validation split, the order of rows and dropout.
tol : float, default=1e-4
    What counts as progress; for 'lbfgs' the largest partial derivative of a solution.
verbose : bool, default=False
    Whether to print loss and validation score after each epoch.
warm_start : bool, default=False
    Whether `fit` goes on from the weights there are.
momentum : float, default=0.9
    Momentum of 'sgd', in [0, 1].
nesterovs_momentum : bool, default=True
    Whether the momentum of 'sgd' is Nesterov's.
early_stopping : bool, default=False
    Whether to hold out ``validation_fraction`` of the rows (or take ``X_val``), end when ``stopping_metric`` has not
    got better there by ``tol`` for more than ``n_iter_no_change`` epochs, and keep the best weights. Without it the
    training loss is looked at, and the last weights are kept.
validation_fraction : float, default=0.1
    Share of rows held out by early stopping.
beta_1 : float, default=0.9
    Decay of Adam's mean of gradients, in [0, 1).
beta_2 : float, default=0.999
    Decay of Adam's mean of squared gradients, in [0, 1).
epsilon : float, default=1e-8
    Added to the root of Adam's mean of squares; for solver='adam' before the correction for the start, as in
    scikit-learn.
n_iter_no_change : int, default=10
    Epochs without progress before the end; inf: never.
max_fun : int, default=15000
    Most evaluations of the loss by 'lbfgs'.
""",
    "ours": """
dropout : float or sequence of float, default=0.0
    Share of a hidden layer's outputs dropped in training; a sequence gives one for each hidden layer.
output_activation : str, default=None
    Activation of the output layer; None: the one that goes with loss and targets.
weight_decay : float, default=None
    Decoupled weight decay; None: the optimizer's own, 0.01 for 'adamw' and else 0.
clip_norm : float, default=None
    The longest gradient; a longer one is shortened to it.
warmup : float, default=0
    Epochs during which the learning rate rises to its value.
stopping_metric : str, Metric or callable, default=None
    What early stopping looks at: 'loss', a name of `chainrule.training.scores.metrics.METRICS`, or a function of targets and
    predictions of which more is better. None: accuracy for classes, R² for numbers.
callbacks : callable or list of callable, default=None
    Called with a `chainrule.training.result.EpochState` after each epoch; one that returns True ends training.
frozen : sequence of str, default=()
    Parameters that stay as they are: layers and places counted from 1, such as 'W[1]', 'b[2]', 'W[1][2,3]'.
missing : {'error', 'mean', 'mean+indicator'}, default='error'
    What is done with NaN in X: refused; replaced by the mean of the values that `fit` sees in the column; or that and
    one more input for each column with NaN in `fit`, 1 where the value was missing.
dtype : {'float32', 'float64'}, default=None
    Precision of weights and arithmetic; None: that of X. 'lbfgs' computes in float64.
threads : int, default=None
    Processors to use; None: all. The result is the same bits for any number.
""",
    "attributes": """
coefs_ : list of ndarray
    Weights of each layer, (n_in, n_out). They may be changed; predictions follow.
intercepts_ : list of ndarray
    Biases of each layer, (n_out,).
loss_ : float
    The last of ``loss_curve_``.
loss_curve_ : list of float
    The mean loss on the way through each epoch, penalty included.
best_loss_ : float or None
    The least of the training's losses; None with early stopping.
validation_scores_ : list of float or None
    ``stopping_metric`` on the validation rows after each epoch; None without early stopping.
best_validation_score_ : float or None
    The best of them; None without early stopping.
validation_loss_curve_ : list of float or None
    The loss on the validation rows after each epoch, without penalty; None where there are none.
n_iter_ : int
    Epochs, or iterations, of the last `fit`.
t_ : int
    Rows seen in training.
learning_rate_ : float
    Learning rate at the end of the last epoch.
stopped_ : str
    Why training ended: 'epochs', 'early stopping', 'converged', 'callback', 'interrupted' or 'diverged'.
n_layers_ : int
    Number of layers, the inputs included.
n_outputs_ : int
    Number of outputs.
out_activation_ : str
    Activation of the output layer.
network_ : Network
    Layers, activations and loss.
n_features_in_ : int
    Columns of X.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Their names, where X had names that are all text.
""",
    "scaling": """
scaling : {'robust', 'standard', 'minmax', 'none'}, default='robust'
    Of numbers in X.
""",
    "table": """
kinds : dict, default=None
    What columns are, whatever they look like: number, category, date, text, leave-out, boolean, by name.
missing : sequence of str, default=None
    Words in text that mean a missing value, besides the usual ones.
decimal : {'.', ','}, default=None
    The decimal sign of numbers in text. None: what their cells show.
thousands : {',', '.', ' ', "'"}, default=None
    The sign between groups of digits. None: what their cells show.
dates : {'day-first', 'month-first', 'year-first'}, default=None
    How 04/02/2020 is read. None: as other columns show it, else day first.
infinite : {'missing', 'refuse'}, default=None
    What infinite numbers of a frame are. None: missing.
stopping_metric : str, Metric or callable, default=None
    What early stopping watches: None or 'loss', a name of `chainrule.training.scores.metrics.METRICS`, or a function of
    targets and predictions of which more is better.
callbacks : callable or list of callables, default=None
    Called with an `EpochState` after each epoch; True ends the training.
random_state : int, RandomState or None, default=None
    An int gives the same network each time, for any number of threads.
engine : {engines}, default={engine}
    {engines_in_words}.
threads : int, default=None
    None: all processors.
""",
    "fitted": """
model_ : Model
    The trained model, for `evaluate`, `layers`, and all that explains one.
schema_ : Schema
    What was found in each column, and what was made of it.
notes_ : tuple of str
    What a user should know of the table and the training.
stopped_ : str
    Why training ended: 'epochs', 'early stopping', 'converged', 'callback', 'interrupted', 'diverged' or 'time limit'.
history_ : tuple of Epoch
    Every epoch; ``loss_curve_`` and ``validation_loss_curve_`` are its losses, ``n_iter_`` their number.
n_features_in_ : int
    The columns of X, ``feature_names_in_`` their names where X had some.
""",
    "X": "X : {array-like, sparse matrix} of shape (n_samples, n_features)\n    The rows.",
    "X_table": """
X : frame, dict of columns, array-like or sparse matrix, (n_samples, n_features)
    Columns are found by name where there are names, in any order; those that no input needs may be absent.
""",
    "weights": "sample_weight : array-like of shape (n_samples,), default=None\n    Their weights.",
    "weights_val": """
sample_weight_val : array-like of shape (n_validation_samples,), default=None
    The weights of those.
""",
    "watched": """
X_val, y_val : array-like, default=None
    With ``early_stopping=True``: the rows that are watched. When the training is over by them, ``stopped_``
    says 'early stopping', the best weights are kept, and more calls change nothing.
{weights_val}

Returns
-------
self : {name}
    The {kind}.
""",
    "layers": """
coefs : sequence of array-like
    Weights of each layer, (n_in, n_out).
intercepts : sequence of array-like
    Biases of each layer, (n_out,).
""",
    "network": """
**parameters : any
    Parameters of the {kind} other than hidden_layer_sizes, which the weights say.

Returns
-------
{kind} : {name}
    With ``warm_start=True`` `fit`, and in any case `partial_fit`, go on from these weights.
""",
}


def documented(cls: C) -> C:
    """Put texts where docstrings name them: the class's ``_texts``, `TEXTS`, and the ``{settings}`` of its task.

    A method of a class above that names one is copied into this one.
    """
    texts = {
        "settings": numpydoc(settings_for(getattr(cls, "task", None))),
        "engines": f"{{{', '.join(map(repr, REGISTRY))}}}",
        "engine": repr(ENGINES[0]),
        "engines_in_words": "; ".join(f"{row.name}: {row.words}" for row in REGISTRY.values()),
        **TEXTS,
    }
    for one in reversed(cls.__mro__):
        texts |= vars(one).get("_texts", {})
    texts["name"] = cls.__name__

    def filled(doc: str | None) -> str:
        made = cleandoc(doc or "")
        for _ in range(2):  # texts name others
            for name, text in texts.items():
                made = made.replace("{" + name + "}", text.strip())
        return made

    cls.__doc__ = filled(cls.__doc__)
    for one in cls.__mro__:
        for name, method in vars(one).items():
            function = getattr(method, "__func__", getattr(method, "fn", method))
            if isinstance(function, FunctionType) and "{" in (function.__doc__ or ""):
                text = filled(function.__doc__)
                if one is cls:
                    function.__doc__ = text
                elif hasattr(one, "_texts") and getattr_static(cls, name) is method:
                    made = _copied(function, text)
                    setattr(cls, name, classmethod(made) if isinstance(method, classmethod) else made)
    return cls


def _copied(function: FunctionType, doc: str) -> FunctionType:
    parts = (getattr(function, f"__{part}__") for part in ("code", "globals", "name", "defaults", "closure"))
    made = FunctionType(*parts)
    update_wrapper(made, function)
    made.__kwdefaults__, made.__doc__ = function.__kwdefaults__, doc
    return made


def settings_for(task: str | None) -> tuple[Setting, ...]:
    """Return the settings that are parameters of an estimator for a task; the seed comes from ``random_state``."""
    return tuple(one for one in listed(Settings) if one.name != "seed" and one.task in (None, task))
