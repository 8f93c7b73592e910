"""Plots as lines of signs, for terminals and mail: curves in Braille's dots, bars, boxes, colored cells as shades."""
