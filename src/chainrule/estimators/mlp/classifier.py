"""`MLPClassifier`: scikit-learn's multi-layer perceptron for classes and labels, and what its users were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.multiclass import type_of_target, unique_labels

from chainrule._types import FloatArray
from chainrule.estimators.base import Given, available
from chainrule.estimators.docs import documented
from chainrule.estimators.mlp.base import BaseMLP, Weighing, stochastic_only
from chainrule.estimators.mlp.classes import AnyArray, Labels, first_classes, own_classes
from chainrule.estimators.mlp.network import Kind, gives_probabilities
from chainrule.estimators.parameters import ParameterError, store
from chainrule.estimators.scored import ScoredClasses
from chainrule.training.scores.weights import class_weights


def _probable(estimator: Any) -> bool:
    """Whether there are probabilities; raises AttributeError where loss or output activation give none."""
    if not gives_probabilities(estimator.loss, estimator.output_activation):
        raise AttributeError(
            f"the loss {estimator.loss!r} and its output activation give no probabilities: choose loss='log_loss'"
        )
    return True


@documented
class MLPClassifier(ScoredClasses, BaseMLP):
    """Multi-layer perceptron classifier: scikit-learn's, trained by chainrule's engine.

    Every parameter, default, attribute and method of `sklearn.neural_network.MLPClassifier` is here and means the
    same; those after ``max_fun`` are more. Only ``hidden_layer_sizes`` and ``activation`` may be positional.

    Parameters
    ----------
    {scikit_learn}
    loss : str, default='log_loss'
        'log_loss' (cross-entropy), any other of `chainrule.equations.losses.LOSSES` such as 'hinge' or
        'categorical_cross_entropy(label_smoothing=0.1)', or a formula in ``a`` and ``y``.
    class_weight : dict or 'balanced', default=None
        Weights of the classes' rows, those for validation too; classes not named weigh 1. 'balanced': n_samples /
        (n_classes · rows of the class), which `partial_fit` can't count. With several labels a row it can't be used.
    calibrate : bool, default=False
        Whether to fit ``temperature_`` on the validation rows, which `predict_proba` then uses.
    {ours}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    temperature_ : float
        The temperature of `predict_proba`; only with ``calibrate=True``.
    {attributes}

    See Also
    --------
    MLPRegressor : The same for numbers.

    Examples
    --------
    >>> from chainrule import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((16,), max_iter=500, learning_rate_init=0.01, random_state=1).fit(X, y)
    >>> bool(clf.score(X, y) > 0.95)
    True
    """

    _texts: ClassVar[Mapping[str, str]] = {
        "kind": "classifier",
        "targets": "classes",
        "or_labels": ", or 0 and 1 for each label",
        "shape": "(n_samples,) or (n_samples, n_labels)",
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        calibrate: bool = False,
        dropout: Any = 0.0,
        output_activation: Any = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        warmup: float = 0,
        stopping_metric: Any = None,
        callbacks: Any = None,
        frozen: Sequence[str] = (),
        missing: str = "error",
        dtype: Any = None,
        threads: int | None = None,
    ) -> None:
        store(self, locals())

    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[Any],
        intercepts: Sequence[Any],
        *,
        classes: Any = None,
        multilabel: bool = False,
        **parameters: Any,
    ) -> Self:
        """Return a classifier with given weights, ready to predict without `fit`.

        Parameters
        ----------
        {layers}
        classes : array-like of shape (n_classes,), default=None
            The classes, sorted; one output stands for two. None: 0, 1, ….
        multilabel : bool, default=False
            Whether each output is a label of its own.
        {network}
        """
        made = cls._given(coefs, intercepts, parameters)
        made._labels = own_classes(classes, len(made.intercepts_[-1]), several=multilabel)
        return made._finish()

    @property
    def classes_(self) -> Any:
        """The classes, sorted."""
        if self._labels is None:
            raise AttributeError("classes_ is known after fit")
        return self._labels.classes

    @stochastic_only
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        *,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch on some rows, with the optimizer's state that there is.

        Parameters
        ----------
        {X}
        y : array-like of shape {shape}
            Their {targets}.
        {weights}
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed the first time.
        {watched}
        """
        return self._fit(Given(X, y, sample_weight, X_val, y_val, sample_weight_val, None, classes, True))

    def _said(self, outputs: FloatArray) -> AnyArray:
        return self._known_labels().named(self._answers().codes(outputs))

    @available(_probable)
    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        {X}

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Columns as in ``classes_``; several labels a row have a probability each.
        """
        outputs, labels = self._outputs(X), self._known_labels()
        if len(labels.classes) == 1 and not labels.several:
            return np.ones((len(outputs), 1), outputs.dtype)
        found: FloatArray = self._answers().probabilities(outputs)
        return found

    @available(_probable)
    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithms of `predict_proba`.

        Parameters
        ----------
        {X}

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Columns as in ``classes_``.
        """
        p = self.predict_proba(X)
        return np.asarray(np.log(p, out=p))

    def _known_labels(self) -> Labels:
        assert self._labels is not None
        return self._labels

    def _problem(self) -> tuple[Kind, int, int]:
        labels = self._known_labels()
        return labels.kind, 2 if labels.several else max(2, len(labels.classes)), len(labels.classes)

    def _learn_targets(self, y: Any, given: Given, *, first: bool) -> None:
        if given.only_one:
            if isinstance(self.class_weight, str):
                raise ParameterError(
                    f"class_weight {self.class_weight!r} counts the rows of each class, and partial_fit sees only some: "
                    "give a weight for each class, such as {'rare': 5}"
                )
            if first_classes(self, given.classes):
                several = type_of_target(y).startswith("multilabel")
                self._labels = Labels.of(y) if several else Labels(unique_labels(given.classes))
            return
        if first or self._labels is None:
            self._labels = Labels.of(y)
            return
        classes = unique_labels(y)
        known = np.arange(y.shape[1]) if self._labels.several and y.ndim == 2 else classes
        if set(known) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )

    def _targets(self, y: Any, dtype: Any) -> FloatArray:
        labels = self._known_labels()
        return labels.targets(labels.codes(y), self._design.sizes[-1], dtype)

    def _weighing(self, y: Any, weights: FloatArray | None) -> Weighing:
        labels = self._known_labels()
        if self.class_weight is None:
            return super()._weighing(y, weights)
        if labels.several:
            raise ParameterError("class_weight is for one class a row: weigh rows by sample_weight instead")
        codes = labels.codes(y)
        found = class_weights(self.class_weight, codes, labels.classes, weights)
        return lambda y, weights: found[labels.codes(y)] * (1 if weights is None else weights)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
