"""The usual plots of a training and a model, each from plain arrays: a function, a small file each."""
