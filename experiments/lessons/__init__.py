"""Claims of the lectures, each tested by an experiment: `python -m experiments.lessons NAME`.

A lesson is a module NAME.py whose docstring has the claim as its first paragraph and the verdict as
its last, "Verdict: holds, ...", with a function

  lesson(smoke: bool) -> (results, [(picture uint8 [H, W, 3], caption), ...])

`results` is a nested dict of what was measured. With `smoke` it does the same in seconds.
"""
