"""Quantiles of a prediction: the members' mean, their spread, and the errors on rows they weren't trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule._plain import Plain
from chainrule._types import FloatArray
from chainrule.errors import ModelFileError, SettingsError
from chainrule.training.scores.metrics import rmse

MOST_KEPT = 1000
"""More errors than this are kept as so many of their quantiles."""


@dataclass(frozen=True)
class Errors(Plain):
    """The errors on validation rows, in units of what was to be expected of each row.

    A row with the members' outputs o_1 … o_K, their mean m (clamped, where answers are) and their variance s² is
    expected to be off by sigma = sqrt(noise² + s²), and its error is e = (y - m)/sigma. The p-quantile of a new row is
    m + sigma·E(p), where E(p) is the validation errors' quantile at place p(n + 1): what makes the share of new rows
    below it p, whatever the distribution, as long as new rows are like the validation rows. ``errors`` (r,) are sorted,
    and ``places`` (r,) are the p of each.

    Sources: Papadopoulos, Proedrou, Vovk & Gammerman, "Inductive confidence machines for regression", ECML 2002; Vovk,
    Shen, Manokhin & Xie, "Nonparametric predictive distributions based on conformal prediction", Machine Learning 108,
    2019; Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, "Distribution-free predictive inference for regression", JASA
    113, 2018 (section 5.2 on local scales).
    """

    noise: float
    errors: FloatArray
    places: FloatArray

    @classmethod
    def of(
        cls,
        y: FloatArray,
        outputs: FloatArray,
        weights: FloatArray | None,
        answers: FloatArray | None = None,
        shares: FloatArray | None = None,
    ) -> Errors:
        """Return the errors of outputs (k, n) on rows with targets ``y`` (n,), as the network has them.

        With ``weights`` (n,) each row counts by its share of them; one of weight 0 doesn't. ``answers`` (n,) are what
        the outputs are answered with, their mean if None; ``shares`` (k,) what each counts in it, all the same if None.
        """
        mean = outputs.mean(axis=0) if answers is None else answers
        if weights is not None and not weights.all():
            counts = weights > 0
            y, mean, outputs, weights = y[counts], mean[counts], outputs[:, counts], weights[counts]
        counts_of = np.full(len(y), 1 / len(y)) if weights is None else weights / weights.sum()
        missed = np.asarray(y, np.float64) - mean
        noise = max(rmse(missed, np.zeros_like(missed), counts_of), np.finfo(np.float64).tiny)
        errors = missed / np.hypot(noise, _spreads(outputs, shares))
        order = np.argsort(errors, kind="stable")
        # With equal weights i/(n + 1) for the i-th of n.
        places = np.cumsum(counts_of[order]) * len(y) / (len(y) + 1)
        errors = errors[order]
        if len(errors) > MOST_KEPT:
            kept = np.linspace(places[0], places[-1], MOST_KEPT)
            errors, places = np.interp(kept, places, errors), kept
        return cls(noise, errors, places)

    def quantiles(
        self,
        outputs: FloatArray,
        wanted: FloatArray,
        answers: FloatArray | None = None,
        shares: FloatArray | None = None,
    ) -> FloatArray:
        """Return the quantiles (n, q) of rows with outputs (k, n); raises SettingsError for one too far out.

        ``answers`` (n,) and ``shares`` (k,) as in `of`. Below 1/(n + 1) and above n/(n + 1) of n validation rows nothing is
        known.
        """
        low, high, slack = float(self.places[0]), float(self.places[-1]), 1e-9
        for p in wanted:
            if not low - slack <= p <= high + slack:
                raise SettingsError(
                    f"the quantile {p:g} is further out than the validation rows tell: they reach from {low:.4g} to "
                    f"{high:.4g}; give more of them, by validation_share or X_val"
                )
        sigma = np.hypot(self.noise, _spreads(outputs, shares))
        shift = np.interp(wanted, self.places, self.errors)
        mean = outputs.mean(axis=0) if answers is None else answers
        return np.asarray(mean[:, None] + sigma[:, None] * shift)

    @classmethod
    def from_dict(cls, value: object, **others: Any) -> Self:
        """Return the errors of `to_dict`; raises ModelFileError for anything else."""
        made = super().from_dict(value, **others)
        errors, places = made.errors, made.places
        are_sorted = errors.ndim == 1 and errors.shape == places.shape and len(errors) > 0
        are_sorted = are_sorted and not (np.diff(errors) < 0).any()
        if made.noise <= 0 or not are_sorted or not (np.diff(places, prepend=0.0, append=1.0) > 0).all():
            raise ModelFileError("errors: these are not sorted errors and their places between 0 and 1")
        return made


def _spreads(outputs: FloatArray, shares: FloatArray | None = None) -> FloatArray:
    """Return the standard deviation of the members' outputs (k, n) for each row, (n,), whatever their size."""
    largest = np.abs(outputs).max(axis=0).astype(np.float64)
    size = np.where(largest > 0, largest, 1.0)
    scaled = outputs / size
    spreads: FloatArray
    if shares is None:
        spreads = size * scaled.std(axis=0)
    else:
        spreads = size * np.sqrt(shares @ (scaled - shares @ scaled) ** 2)
    return spreads
