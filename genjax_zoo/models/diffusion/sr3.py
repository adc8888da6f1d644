"""SR3 (Saharia 2021, arXiv:2104.07636): diffusion of an image given the same at low resolution.

  low = means of blocks of factor x factor pixels
  loss = the denoising loss of x_t = x_0 + sigma eps, given low, enlarged and joined as channels

Many images have one low resolution. Regression predicts their mean, which is blurred; a sample is
sharp, but further from the true image. One denoising step from noise that hides everything, sigma
large, is regression.

In a cascade (Ho 2021, arXiv:2106.15282) the low resolution is another model's sample, with errors
that no training example has. Noise conditioning augmentation hides them: in training low has noise
of a standard deviation s ~ U(0, augment), which the network is given; in sampling it has noise of
`augmentation`, chosen then.

With `residual` what is diffused is the difference from low, enlarged by interpolation (Li 2021,
SRDiff, arXiv:2104.14951), so that sd is that of the difference. It is small, and 0 where an image
is flat, so that errors made at high noise leave no grain.

Departures: EDM's preconditioning and noise levels (edm.py), of which the paper's conditioning on a
continuous noise level is a part; the noise of augmentation is added, and does not shrink low.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models._form import image_of, to_data, to_floats
from genjax_zoo.models.diffusion import edm
from genjax_zoo.models.latent_variable.autoencoder import psnr
from genjax_zoo.prob.corruptions import pool

LOW, NOISE = "low", "augmentation"


def low_field(field: Field, factor: int) -> Field:
  """The Field of images at low resolution. Raises UserError where `factor` does not divide them."""
  height, width, channels = field.shape
  if factor < 2 or height % factor or width % factor:
    raise UserError(
      f"model.factor={factor} must be 2 or more and divide the image's height and width, {height} "
      f"x {width}"
    )
  return field._replace(shape=(height // factor, width // factor, channels))


def enlarged(x, shape):
  """Images in [-1, 1] at the resolution of `shape` [H, W, C], by bicubic interpolation."""
  return jnp.clip(jax.image.resize(x, (len(x), *shape), "cubic"), -1, 1)


def augmentation_of(augment: float, augmentation: float | None) -> float:
  """The noise that low gets in sampling: as asked, or 0.

  Raises UserError where one is asked for of a model that never saw any.
  """
  if augmentation is None:
    return 0.0
  if not augment:
    raise UserError(
      "sample.augmentation is of models whose low resolution had noise in training: "
      "model.augment=0.5"
    )
  return augmentation


def model(
  data,
  *,
  factor: int = 4,
  augment: float = 0.0,
  residual: bool = False,
  sd: float = 0.5,
  mean: float = -1.2,
  spread: float = 1.2,
  low: float = 0.002,
  high: float = 80.0,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """Super-resolution of "image" by `factor`, given "low" and the entries of `condition`.

  `augment` is the most noise that low has in training, in units of [-1, 1]; `residual` diffuses the
  difference from low. The other arguments are those of `edm`, where `drop` is of the entries of
  `condition` alone. With mean = log(high), spread = 0 and one step it is regression. Raises
  UserError for data without images that `factor` divides.
  """
  field = image_of(data)
  small = low_field(field, factor)
  given_low = {LOW: small._replace(dtype=np.float32, num_values=None)}
  if augment:
    given_low[NOISE] = Field((), np.float32)
  diffused = field._replace(dtype=np.float32, num_values=None) if residual else field
  inner = edm.model(
    {**data, "image": diffused, **given_low},
    sd=sd,
    mean=mean,
    spread=spread,
    low=low,
    high=high,
    network=network,
    condition=(*given_low, *condition),
    drop=dict.fromkeys(condition, drop),
  )

  def observe(params, state, batch, key):
    pooled = to_data(pool(to_floats(batch["image"], field), factor), small)
    return {LOW: pooled} | {name: batch[name] for name in condition}

  def augmented(given, noise, key):
    """`given` with low in [-1, 1], and with `noise` [B], its standard deviation there."""
    x = to_floats(given[LOW], small)
    if not augment:
      return {**given, LOW: x}
    x += noise[:, None, None, None] * jax.random.normal(key, x.shape)
    return {**given, LOW: x, NOISE: noise}

  def loss(params, state, batch, key, train):
    k_noise, k_low, key = jax.random.split(key, 3)
    noise = augment * jax.random.uniform(k_noise, (len(batch["image"]),))
    given = augmented(observe(params, state, batch, key), noise, k_low)
    image = batch["image"]
    if residual:
      image = to_floats(image, field) - enlarged(given[LOW], field.shape)
    return inner.loss(params, state, {**batch, **given, "image": image}, key, train)

  def sample(params, state, key, n, given={}, augmentation=None, **options):
    """n images; low has noise of `augmentation`, the other options are those of `edm`."""
    k_low, key = jax.random.split(key)
    noise = jnp.full(n, augmentation_of(augment, augmentation))
    given = augmented(given, noise, k_low)
    image = inner.sample(params, state, key, n, given, **options)["image"]
    if residual:
      image = to_data(image + enlarged(given[LOW], field.shape), field)
    return {"image": image}

  def calls(augmentation=None, **options):
    augmentation_of(augment, augmentation)  # For its error alone.
    return inner.calls(**options)

  def evaluate(params, state, batch, key):
    """The loss, and the PSNR of bicubic interpolation, to compare that of samples with."""
    error, _ = loss(params, state, batch, key, train=False)
    true = to_floats(observe(params, state, batch, key)[LOW], small)
    unit = lambda x: (x + 1) / 2
    x, bicubic = to_floats(batch["image"], field), enlarged(true, field.shape)
    return {"loss": error, "bicubic_psnr": psnr(unit(x), unit(bicubic))}

  given = {LOW: small} | condition_fields(data, condition)
  return Model(
    inner.init, loss, sample, evaluate=evaluate, given=given, observe=observe, calls=calls
  )
