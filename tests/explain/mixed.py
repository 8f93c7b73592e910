"""A table with a column of every kind."""

import numpy as np
import polars as pl


def table(n: int = 90) -> pl.DataFrame:
    """A number with gaps, a word, a truth value, a date, a time of day, and a target that needs most of them."""
    draws = np.random.default_rng(4)
    a, flag = draws.normal(10, 2, n), draws.random(n) < 0.4
    word = draws.choice(["u", "v", "w"], n)
    days = pl.Series(draws.integers(0, 700, n)).cast(pl.Int64)
    day = (pl.Series([18_262] * n) + days).cast(pl.Date)
    hour = pl.Series([f"{h:02d}:30" for h in draws.integers(0, 24, n)])
    y = a * np.where(flag, 2, 1) + (word == "w") * 3 + days.to_numpy() / 100
    cells = [None if place % 11 == 0 else value for place, value in enumerate(a.tolist())]
    return pl.DataFrame({"a": cells, "word": word, "flag": flag, "day": day, "hour": hour, "y": y})
