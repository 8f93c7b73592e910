"""The studio: a page on this machine that trains a network on one's own table, plays it forward and back, every number open."""
