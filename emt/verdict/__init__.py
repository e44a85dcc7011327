"""A verdict on somebody's network: what is measured, by which criteria it is judged, the report."""
