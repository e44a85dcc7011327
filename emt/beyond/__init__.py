"""Beyond the paper: edits, other bases, how long memories last, overwriting, fitting."""
