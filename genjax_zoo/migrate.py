"""Configs of runs that were made before a key had the name it has now, so that they still load."""

from genjax_zoo.core import UserError

NETWORK = "hidden", "blocks", "attention", "patch", "dropout", "octaves", "dtype"
TAKES = {  # The arguments of each network, models/diffusion/_network.py.
  "unet": ("hidden", "blocks", "attention", "patch", "fourier", "dropout", "dtype"),
  "dit": ("width", "depth", "patch", "fourier", "dropout", "dtype"),
  "mlp": ("hidden", "fourier", "dropout", "dtype"),
}
RENAMED = {  # {model: {old key: new key}}.
  "denoising_diffusion_gan": {"latent": "z_dim"},
  "ncsn": {"levels": "noise_levels"},
}
# {model: {key that is gone: the value that it must have had}}.
GONE = {
  "ddpm": {"objective": "simple"},
  "flow_matching": {"time": "uniform"},
  "score_sde": {"weighting": "simple"},
}


def migrate(config: dict) -> dict:
  """A run's config in today's keys, its stages too. Raises UserError for what is gone."""
  model = dict(config["model"])
  if model["name"] == "ddpm" and is_improved(model):
    model["name"] = "improved_ddpm"
  name = model["name"]
  for old, new in RENAMED.get(name, {}).items():
    if old in model:
      model[new] = model.pop(old)
  for key, value in GONE.get(name, {}).items():
    if model.pop(key, value) != value:
      raise UserError(
        f"this run has model.{key} other than {value!r}, which is gone: train it anew"
      )
  if "conditional" in model:
    model["condition"] = ("label",) if model.pop("conditional") else ()
  if "drop_label" in model:
    model["drop"] = model.pop("drop_label")
  if name in DIFFUSION and not isinstance(model.get("network"), dict):
    model["network"] = network_of(model)
  stages = {stage: migrate(c) for stage, c in config.get("stages", {}).items()}
  return config | {"model": model, "stages": stages}


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


def is_improved(model: dict) -> bool:
  """Whether a DDPM is one of Nichol & Dhariwal's, which has a model of its own now."""
  return model.get("variance") == "learned" or model.get("objective") in ("bound", "hybrid")


def network_of(model: dict) -> dict:
  """The section `network` of a diffusion model that had its keys among its own, which it loses."""
  name = model.pop("network")
  network = {key: model.pop(key) for key in NETWORK if key in model}
  network["fourier"] = network.pop("octaves", ())
  if name == "dit":
    network |= {"width": network["hidden"][0], "depth": len(network["hidden"])}
  return {"name": name} | {key: network[key] for key in TAKES[name] if key in network}
