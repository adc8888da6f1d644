"""Configs of runs made before their keys had today's names, so that those runs still load.

`migrate` takes a resolved config as a run folder holds it. What it translates: conditions, which
were one label; models that were options of another; the network of diffusion models, whose keys
were the model's own.
"""

from collections.abc import Mapping

from genjax_zoo.core import UserError

RENAMED = {  # {model: {old key: new key}}.
  "cgan": {"condition": "critic"},
  "denoising_diffusion_gan": {"latent": "z_dim"},
  "glow": {"levels": "scales"},
  "ncsn": {"levels": "noise_levels"},
}
GONE = {  # {model: {key: the value that it must have had}}.
  "cnf": {"speed": 0.02},
  "cvae": {"components": 0, "free_bits": 0.0, "tc": 1.0},
  "ddpm": {"objective": "simple"},
  "flow_matching": {"time": "uniform"},
  "glow": {"alpha": 0.05, "seed": 0},
  "maf": {"alpha": 0.05, "seed": 0},
  "realnvp": {"alpha": 0.05, "bound": 2.0},
  "score_sde": {"weighting": "simple"},
  "spline_flow": {"bound": 4.0},
  "tcvae": {"components": 0, "free_bits": 0.0},
  "vae": {"components": 0, "tc": 1.0},
  "vamp_vae": {"free_bits": 0.0, "tc": 1.0},
}
TAKES = {  # The arguments of each network of models/diffusion/_network.py.
  "unet": ("hidden", "blocks", "attention", "patch", "fourier", "dropout", "dtype"),
  "dit": ("width", "depth", "patch", "fourier", "dropout", "dtype"),
  "mlp": ("hidden", "fourier", "dropout", "dtype"),
}
DIFFUSION = (
  "consistency",
  "ddpm",
  "denoising_diffusion_gan",
  "edm",
  "flow_matching",
  "improved_ddpm",
  "latent_diffusion",
  "ncsn",
  "noisy_classifier",
  "score_sde",
  "vdm",
)


def migrate(config: dict) -> dict:
  """A run's config in today's keys, its stages too. Raises UserError for an option that is gone."""
  model = dict(config["model"])
  name = model["name"] = today_s_name(model)
  rename_keys(name, model)
  drop_keys(name, model)
  if name in DIFFUSION and isinstance(model.get("network"), str):
    model["network"] = network_section(model)
  stages = {stage: migrate(c) for stage, c in config.get("stages", {}).items()}
  return config | {"model": model, "stages": stages}


def today_s_name(model: Mapping) -> str:
  """The name of the model; some were options of others."""
  name = model["name"]
  if name == "ddpm" and model.get("variance") == "learned":
    return "improved_ddpm"
  if name == "ddpm" and model.get("objective") == "bound":
    return "improved_ddpm"
  if name == "vae" and model.get("conditional"):
    return "cvae"
  if name == "vae" and model.get("components"):
    return "vamp_vae"
  if name == "vae" and model.get("tc", 1.0) != 1.0:
    return "tcvae"
  return name


def rename_keys(name: str, model: dict):
  """Gives the keys of a model, in place, the names that they have today."""
  for old, new in RENAMED.get(name, {}).items():
    # A condition that is a tuple is today's.
    if old in model and not isinstance(model[old], tuple):
      model[new] = model.pop(old)
  if "drop_label" in model:
    model["drop"] = model.pop("drop_label")
  if "conditional" in model:
    conditional = model.pop("conditional")
    model["condition"] = ("label",) if conditional else ()
  if name in ("vae", "vamp_vae", "tcvae"):
    model.pop("condition", None)
  if name == "cgan":
    model.setdefault("condition", ("label",))


def drop_keys(name: str, model: dict):
  """Removes keys that are gone, in place. Raises UserError where they made a difference."""
  for key, value in GONE.get(name, {}).items():
    if model.pop(key, value) != value:
      raise UserError(
        f"this run has model.{key} other than {value!r}, which is gone: train it anew"
      )


def network_section(model: dict) -> dict:
  """The section `network` of a diffusion model whose keys were among its own, which it loses."""
  name = model.pop("network")
  keys = "hidden", "blocks", "attention", "patch", "dropout", "octaves", "dtype"
  network = {key: model.pop(key) for key in keys if key in model}
  network["fourier"] = network.pop("octaves", ())
  network.setdefault("dtype", "float32")
  if name == "dit":
    network |= {"width": network["hidden"][0], "depth": len(network["hidden"])}
  return {"name": name} | {key: network[key] for key in TAKES[name] if key in network}
