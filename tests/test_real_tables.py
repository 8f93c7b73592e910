"""Real tables with the defaults: what a user gets who sets nothing."""

from pathlib import Path

import numpy as np

from chainrule import train

PENGUINS = Path(__file__).parents[1] / "examples" / "penguins.csv"


def test_penguins_are_told_apart():
    """Over several splits, 97 % of the penguins held out are recognized, and never fewer than 94 %.

    One penguin is 1.4 % of the 69 held out, so a single split says little.
    """
    scores = [
        train(PENGUINS, "species", fast=True, seed=seed).evaluation.scores["accuracy"] for seed in range(6)
    ]
    assert np.mean(scores) >= 0.97
    assert min(scores) >= 0.94


def test_the_mass_of_penguins_is_predicted_as_well_as_by_a_straight_line():
    """Over several splits the error is within 5 % of linear regression, which explains 4/5 of the variance."""
    ratios, explained = [], []
    for seed in range(4):
        trained = train(PENGUINS, "body_mass_g", fast=True, seed=seed)
        ratios.append(trained.evaluation.scores["rmse"] / trained.baselines["linear regression"]["rmse"])
        explained.append(trained.evaluation.scores["r2"])
    assert np.mean(ratios) < 1.05
    assert np.mean(explained) > 0.8
