"""Several trainings beside each other: ablation, cross-validation, learning curves, pruning, a small network for a large one."""
