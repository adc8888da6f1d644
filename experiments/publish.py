"""Makes a trained model of the package from a run folder: `--mode=publish --workdir=runs/x`."""

import math
from pathlib import Path
import tempfile

from genjax_zoo import published
from genjax_zoo.core import UserError
from genjax_zoo.log import read_json
from genjax_zoo.run import Run, load_published, read_description

LARGEST = 1_000_000  # Bytes of the weights.
STANDARD_ERRORS = 2.0  # What a measure may lose.


def publish(run: Run, evaluate, folder: Path = published.FOLDER) -> Path:
  """Writes NAME.npz and NAME.json of a run into `folder`; returns the path of the weights.

  `evaluate(run)` measures the published weights as the run itself was measured. Raises UserError
  for a run that was not evaluated, whose weights are too large, whose data have a path that other
  machines lack, or that is worse now than its evaluation.json says.
  """
  name = run.config["name"]
  before = read_json(run.folder / "evaluation.json")
  if before is None or before["step"] != run.step:
    raise UserError(f"{run.folder} was not evaluated at step {run.step}: --mode=evaluate does it")
  config, data = read_description(run.folder)
  check_portable(config)
  about = {"config": without_command(config), "data": data, "evaluation": before}
  tree = {"weights": run.weights, "state": run.state}
  with tempfile.TemporaryDirectory() as trial:
    file = published.write(Path(trial), name, tree, about)
    size = file.stat().st_size
    if size > LARGEST:
      raise UserError(f"the weights of {run.folder} take {size:,} bytes, of {LARGEST:,} at most")
    again = load_published(name, Path(trial))._replace(config=run.config, folder=run.folder)
    after = evaluate(again)
  if lost := worse(before, after, config["evaluate"]["samples"]):
    raise UserError(f"{run.folder} is worse from its published weights: {'; '.join(lost)}")
  return published.write(folder, name, tree, about | {"evaluation": after})


def check_portable(config: dict):
  """Raises UserError for data, of a run or its stages, in a place that other machines lack."""
  name = config["data"]["name"]
  if Path(name.rpartition(":")[2]).is_absolute():
    raise UserError(f"data.name={name!r} is a path of this machine, which would be published")
  for stage in config["stages"].values():
    check_portable(stage)


def without_command(config: dict) -> dict:
  """A config without the command that trained it, which names folders of its machine."""
  stages = {name: without_command(stage) for name, stage in config["stages"].items()}
  return {k: v for k, v in config.items() if k != "command"} | {"stages": stages}


def worse(before: dict, after: dict, samples: int) -> list[str]:
  """What of an evaluation of so many samples is worse than it was, beyond its error, in words."""
  then = measures(before, samples)
  found = []
  for name, (value, error, sign) in measures(after, samples).items():
    old = then[name][0]
    if not sign * (value - old) >= -STANDARD_ERRORS * error:  # NaN is worse.
      found.append(f"{name} {value:.4g}, not {old:.4g} ± {error:.2g}")
  return found


def measures(evaluation: dict, samples: int) -> dict[str, tuple[float, float, int]]:
  """{measure: (value, standard error, 1 where more is better or -1)} of an evaluation."""
  found = {}
  if likelihood := evaluation.get("likelihood"):
    found["log p, nats"] = likelihood["nats"], likelihood["standard_error"], 1
  if (error := evaluation.get("standard_errors", {}).get("loss")) is not None:
    found["loss"] = evaluation["metrics"]["loss"], error, -1
  quality = evaluation.get("quality", {})
  if "kid" in quality:
    found["KID"] = quality["kid"], quality["kid_standard_error"], -1
  for name, share in shares(evaluation).items():
    deviation = math.sqrt(max(share * (1 - share), 1 / samples))
    found[name] = share, deviation / math.sqrt(samples), 1
  return found


def shares(evaluation: dict) -> dict[str, float]:
  """{name: share of the samples that a judge finds right}: real examples are, exchanged are not."""
  judged = evaluation.get("judged", {"samples": {}, "real": {}})
  wrong = judged.get("wrong", {})
  right = lambda name: wrong.get(name, 0.0) < judged["real"].get(name, 0.0) <= 1
  found = {name: share for name, share in judged["samples"].items() if right(name)}
  agreement = evaluation.get("quality", {}).get("agreement")
  return found if agreement is None else found | {"agreement": agreement}
