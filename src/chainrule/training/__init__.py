"""The training loop and what belongs to it: settings, recipe, monitor, metrics, baselines."""
