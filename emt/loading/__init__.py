"""Somebody else's network in, checked against itself, and out again."""
