"""Training in stages: what is wrong is said before any of them is trained."""

import numpy as np
import pytest

from experiments import pipeline
from genjax_zoo.core import Field, UserError
from genjax_zoo.log import write_json

FIELDS = {"image": Field((8, 8, 1), np.uint8, 17)}


def test_what_is_wrong_with_the_last_stage_is_said_before_the_first_is_trained(tmp_path):
  options = ["evaluate.split=unseen"]
  with pytest.raises(UserError, match=r"evaluate\.split='unseen': data digits has train, test"):
    pipeline.perform("train", "rerank_digits:smoke", str(tmp_path / "run"), options)
  assert not [*tmp_path.iterdir()]


def test_a_stage_of_other_data_is_named_before_it_is_trained(tmp_path):
  own = {"image": FIELDS["image"]._replace(num_values=256)}
  stage = {"name": "first", "data": {"name": "digits"}}
  config = {"data": {"name": "mine", "batch": 8}, "stages": {"first": stage}}
  stages = pipeline.fields_of_stages(config, own, tmp_path / "run")
  with pytest.raises(UserError) as e:
    pipeline.check_stages(config, own, stages)
  assert str(e.value) == (
    "stage 'first' is of digits, [8, 8, 1] of 17 values, and the model on it of mine, [8, 8, 1] "
    "of 256: set --config.stages.first.data.name and its options too"
  )
  pipeline.check_stages(config, FIELDS, stages)


def test_a_stage_may_be_of_images_smaller_or_larger_by_a_whole_factor():
  image = lambda *shape, values=17: Field(shape, np.uint8, values, kind="image")
  own = image(8, 12, 1)
  fit = (8, 12, 1), (4, 4, 1), (2, 6, 1), (16, 36, 1)
  don_t = (3, 4, 1), (4, 5, 1), (4, 6, 3), (12, 24, 1)
  assert all(pipeline.fits(image(*shape), own) for shape in fit)
  assert not any(pipeline.fits(image(*shape), own) for shape in don_t)
  assert not pipeline.fits(image(4, 4, 1, values=2), own)
  assert not pipeline.fits(Field((4,), np.float32), Field((8,), np.float32))


def test_a_stage_of_the_same_data_is_not_read_again(tmp_path):
  """ "nowhere" can't be loaded: a stage of it has the fields that are there already."""
  stage = {"name": "first", "data": {"name": "nowhere", "batch": 3}}
  config = {"data": {"name": "nowhere", "batch": 8}, "stages": {"first": stage}}
  assert pipeline.fields_of_stages(config, FIELDS, tmp_path / "run") == {"first": FIELDS}


def test_a_run_measured_in_another_way_is_finished_as_a_stage_alone(tmp_path):
  """A comparison measures its runs alike, and some are stages of others."""
  write_json(tmp_path / "evaluation.json", {"step": 10})
  (tmp_path / "report.html").touch()
  config = {"train": {"steps": 10}, "evaluate": {"samples": 1000}, "sample": {}}
  saved = config | {"evaluate": {"samples": 500}}
  assert pipeline.finished(tmp_path, config, config) == 10
  assert pipeline.finished(tmp_path, saved, config) is None
  assert pipeline.finished(tmp_path, saved, config, stage=True) == 10
  assert pipeline.finished(tmp_path, saved, config | {"train": {"steps": 11}}, True) is None
