"""A neural spline flow of a table of numbers, with early stopping on a tenth of its rows.

  python -m experiments.main --config=configs/spline_flow_table.py --config.data.name=npz:PATH --workdir=runs/table

PATH is a file that numpy.savez wrote: x [N, D], or train_x and test_x. `genjax_zoo.load("runs/table").log_prob({"x":
rows})` is log p of each row, in nats, of the numbers as they are in the file. Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="spline_flow", depth=6, hidden=(128, 128)),
    data=dict(name="npz:data/table.npz", batch=256, validation=0.1),
    optimizer=dict(name="adamw", learning_rate=1e-3, weight_decay=0.1, schedule="cosine", clip_norm=5.0),
    train=dict(steps=3000, steps_per_dispatch=50, log_every=250, save_every=1500, validate_every=50),
    evaluate=dict(batch=500),
  ))  # fmt: skip
