"""Perceptual losses: pure functions, statistics of style, and the one loss object."""
