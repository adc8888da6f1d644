"""Publishing a run: refused where its weights or its numbers are not what they were."""

import numpy as np
import pytest

from experiments import pipeline, publish
from genjax_zoo import load
from genjax_zoo.core import UserError
from genjax_zoo.log import Log, read_json
from genjax_zoo.published import FOLDER, pretrained, read
from genjax_zoo.run import load_published

EVALUATION = {
  "likelihood": {"nats": -100.0, "standard_error": 0.5},
  "metrics": {"loss": 110.0},
  "standard_errors": {"loss": 1.0},
  "quality": {"kid": 0.05, "kid_standard_error": 0.01, "agreement": 0.9},
  "judged": {
    "samples": {"colour": 0.8, "rmse": 0.1},
    "real": {"colour": 1.0, "rmse": 0.0},
    "wrong": {"colour": 0.2, "rmse": 0.0},
  },
}


def changed(section: str, **values):
  return EVALUATION | {section: EVALUATION[section] | values}


def test_worse_is_by_more_than_two_standard_errors():
  worse = lambda after: publish.worse(EVALUATION, after, samples=100)
  assert not worse(EVALUATION)
  assert not worse(changed("likelihood", nats=-100.99))
  assert worse(changed("likelihood", nats=-101.01)) == ["log p, nats -101, not -100 ± 0.5"]
  assert not worse(changed("likelihood", nats=-90.0))
  assert not worse(changed("metrics", loss=111.9))
  assert worse(changed("metrics", loss=112.1))
  assert not worse(changed("metrics", loss=90.0))
  assert not worse(changed("quality", kid=0.069))
  assert worse(changed("quality", kid=0.071))
  # The standard error of a share 0.7 of 100 is 0.0458, of 0.72 it is 0.0449, of 0.84 0.0367.
  samples = lambda **x: changed("judged", samples=EVALUATION["judged"]["samples"] | x)
  assert worse(samples(colour=0.70))
  assert not worse(samples(colour=0.72))
  assert not worse(samples(rmse=9.0))  # No share: real examples are no better than exchanged ones.
  assert worse(changed("quality", agreement=0.8))
  assert not worse(changed("quality", agreement=0.84))
  assert worse(changed("likelihood", nats=np.nan))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  folder = tmp_path_factory.mktemp("runs") / "vae_digits_smoke"
  pipeline.perform("train", "vae_digits:smoke", str(folder))
  return load(folder)


def same(run):
  return read_json(run.folder / "evaluation.json")


def test_a_published_run_is_the_run_in_float16(run, tmp_path):
  file = publish.publish(run, same, tmp_path)
  assert file == tmp_path / "vae_digits_smoke.npz"
  again = load_published("vae_digits_smoke", tmp_path)
  assert again.fields == run.fields
  assert again.step == run.step
  arrays, about = read(tmp_path, "vae_digits_smoke")
  assert "command" not in about["config"]
  kernel = next(k for k in arrays if k.endswith("kernel"))
  assert arrays[kernel].dtype == np.float16
  x, y = run.sample(2)["image"], again.sample(2)["image"]
  assert x.shape == y.shape
  assert np.abs(x.astype(int) - y).mean() < 1  # Of 17 gray levels.


def test_what_can_not_be_published_is_said(run, tmp_path):
  lower = same(run)["likelihood"] | {"nats": -1e6}
  with pytest.raises(UserError, match=r"is worse from its published weights: log p, nats -1e\+06"):
    publish.publish(run, lambda again: same(run) | {"likelihood": lower}, tmp_path)
  with pytest.raises(UserError, match="was not evaluated at step 99"):
    publish.publish(run._replace(step=99), same, tmp_path)
  with pytest.raises(UserError, match=r"the weights of .* take \d+,\d+ bytes, of 10 at most"):
    small, publish.LARGEST = publish.LARGEST, 10
    try:
      publish.publish(run, same, tmp_path)
    finally:
      publish.LARGEST = small
  assert not [*tmp_path.iterdir()]


def test_data_in_a_place_of_this_machine_are_not_published():
  config = lambda name, **stages: {"data": {"name": name}, "stages": stages}
  publish.check_portable(config("npz:data/sprites.npz", first=config("digits")))
  for wrong in config("npz:/home/me/x.npz"), config("digits", first=config("/home/me/photos")):
    with pytest.raises(UserError, match="is a path of this machine"):
      publish.check_portable(wrong)
  found = publish.without_command(config("digits", first=config("digits") | {"command": "x"}))
  assert found == config("digits", first=config("digits"))


@pytest.mark.slow
@pytest.mark.parametrize("name", pretrained())
def test_a_pretrained_model_is_as_good_as_its_evaluation_says(name, tmp_path):
  run = load(f"pretrained:{name}")
  _, about = read(FOLDER, name)
  try:
    dataset = pipeline.load_data(run.config)
  except UserError as e:
    pytest.skip(f"its data are not here: {e}")
  with Log(tmp_path) as log:
    again = pipeline.evaluation_of(run, dataset, log)
  assert not publish.worse(about["evaluation"], again, run.config["evaluate"]["samples"])
  assert not publish.worse(again, about["evaluation"], run.config["evaluate"]["samples"])
