"""Networks that learn: gradients, descent, and the recipes (section 7)."""
