"""A local page on which trained models are touched: `python -m experiments.explore`."""
