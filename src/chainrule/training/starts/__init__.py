"""What a training begins with, by its rows: a linear path, cosines, splits, screened inputs, rare levels drawn in."""
