"""scikit-learn's checks of any estimator, and the tools that estimators are used in."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import MLPClassifier, MLPRegressor

SLOW_TO_LEARN = {"max_iter": 100}


def expected_failures(estimator):
    return {}


@parametrize_with_checks(
    [MLPClassifier(**SLOW_TO_LEARN), MLPRegressor(**SLOW_TO_LEARN)],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learns_checks(estimator, check):
    check(estimator)
