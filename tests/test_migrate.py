"""Configs of runs made before a key had today's name are those of today, and their data too."""

import numpy as np
import pytest

from experiments import resolve
from genjax_zoo.core import Field, UserError
from genjax_zoo.migrate import migrate
from genjax_zoo.run import describe, fields_of


def old(name, **model):
  return {"model": {"name": name, **model}, "stages": {}}


UNET = dict(network="unet", hidden=(32, 64), blocks=1, attention=(), patch=1, dropout=0.0)


def test_a_network_s_keys_become_a_section():
  saved = old("edm", sd=0.75, **UNET, conditional=False, drop_label=0.1, dtype="float32")
  today = resolve.resolve("configs/edm_digits.py").to_dict()["model"]
  assert {k: saved["model"].get(k) for k in ("sd",)} == {"sd": 0.75}
  found = migrate(saved)["model"]
  assert found["network"] == today["network"] and found["condition"] == () and found["drop"] == 0.1
  assert found.keys() <= today.keys()


@pytest.mark.parametrize(
  "name, options, expected",
  [
    ("dit", {"hidden": (64, 64)}, {"width": 64, "depth": 2, "patch": 1, "fourier": ()}),
    ("mlp", {"octaves": (0, 1)}, {"hidden": (32, 64), "fourier": (0, 1)}),
  ],
)
def test_each_network_keeps_its_own_keys(name, options, expected):
  model = UNET | {"network": name} | options
  found = migrate(old("flow_matching", **model))["model"]["network"]
  assert found["name"] == name and expected.items() <= found.items()
  assert found.keys() <= resolve.network_defaults(name).keys()


def test_models_that_are_two_now():
  improved = old("ddpm", objective="hybrid", variance="learned", **UNET)
  assert migrate(improved)["model"]["name"] == "improved_ddpm"
  plain = migrate(old("ddpm", objective="simple", variance="small", conditional=True, **UNET))
  assert plain["model"]["name"] == "ddpm" and "objective" not in plain["model"]
  assert plain["model"]["condition"] == ("label",)


def test_stages_are_translated_too_and_today_s_configs_stay():
  config = resolve.resolve("configs/latent_diffusion_digits.py").to_dict()
  assert migrate(config) == config
  nested = {"model": {"name": "mine.model"}, "stages": {"first": old("ncsn", levels=9, **UNET)}}
  first = migrate(nested)["stages"]["first"]["model"]
  assert first["noise_levels"] == 9 and "levels" not in first


def test_what_is_gone_is_refused():
  with pytest.raises(UserError, match=r"model\.time"):
    migrate(old("flow_matching", time="logit_normal", **UNET))


def test_fields_of_old_runs():
  before = {"shape": [8, 8, 1], "dtype": "uint8", "levels": 17}
  assert fields_of({"fields": {"image": before}}) == {"image": Field((8, 8, 1), np.uint8, 17)}
  field = Field((), np.int32, 2, ("cat", "dog"), ordered=False, kind="vector")
  assert fields_of(describe({"label": field}, 8)) == {"label": field}


@pytest.mark.parametrize(
  "name, options, today, kept",
  [
    ("vae", {"components": 0, "tc": 1.0, "conditional": False}, "vae", {}),
    ("vae", {"components": 5, "tc": 1.0, "conditional": False}, "vamp_vae", {"components": 5}),
    ("vae", {"components": 0, "tc": 6.0, "conditional": False}, "tcvae", {"tc": 6.0}),
    (
      "vae",
      {"components": 0, "tc": 1.0, "free_bits": 0.0, "conditional": True},
      "cvae",
      {"condition": ("label",)},
    ),
    (
      "cgan",
      {"condition": "projection"},
      "cgan",
      {"condition": ("label",), "critic": "projection"},
    ),
    ("glow", {"levels": 3, "conditional": False}, "glow", {"scales": 3, "condition": ()}),
  ],
)
def test_options_that_are_models_or_have_other_names(name, options, today, kept):
  assert migrate(old(name, **options))["model"] == {"name": today} | kept
