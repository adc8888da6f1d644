"""The decks' claims, each an experiment that measures it: `python -m experiments.lessons NAME`.

A lesson is a module NAME.py with a docstring, the claim in its first line, and

  lesson(smoke: bool) -> (numbers, [(picture uint8 [H, W, 3], caption), ...])

where `numbers` is a nested dict of what was measured; with `smoke` it does the same in seconds.
"""
