"""Inception-v3 as FID uses it: the network of 2015-12-05, with the resizing of TensorFlow 1.

Szegedy et al. 2016 (1512.00567). The graph on which FID was defined differs from torchvision's
network in three ways: average pools leave the padding out of the mean, the last block pools by
maximum, and there are 1,008 classes. The weights in common use are released by pytorch-fid, as
`pt_inception-2015-12-05-6726825d.pth`, and by torch-fidelity, as
`weights-inception-2015-12-05-6726825d.pth`. This module downloads nothing, and needs no PyTorch.
"""

from collections.abc import Callable

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.torch_weights import read_state_dict
from genjax_zoo.sharding import jit

SIDE = 299


class Unit(nn.Module):
  """Convolution without bias, batch normalisation by stored statistics, ReLU."""

  features: int
  kernel: tuple[int, int]
  strides: int = 1
  padding: str = "SAME"

  @nn.compact
  def __call__(self, x):
    x = nn.Conv(
      self.features, self.kernel, self.strides, self.padding, use_bias=False, name="conv"
    )(x)
    return nn.relu(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="bn")(x))


def unit(name: str, features: int, kernel=1, strides: int = 1, padding: str = "SAME") -> Unit:
  """A Unit, named as in the weight file: it belongs to the block whose `__call__` makes it."""
  return Unit(
    features, (kernel, kernel) if isinstance(kernel, int) else kernel, strides, padding, name=name
  )


def average(x):
  """The 3 x 3 average around each pixel, of those inside the image."""
  return nn.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False)


def maximum(x):
  """The 3 x 3 maximum at every second pixel."""
  return nn.max_pool(x, (3, 3), strides=(2, 2))


class BlockA(nn.Module):
  """At 35 x 35: 1 x 1, 5 x 5 and twice 3 x 3 convolutions beside an average."""

  pool: int

  @nn.compact
  def __call__(self, x):
    five = unit("branch5x5_2", 64, 5)(unit("branch5x5_1", 48)(x))
    three = unit("branch3x3dbl_2", 96, 3)(unit("branch3x3dbl_1", 64)(x))
    three = unit("branch3x3dbl_3", 96, 3)(three)
    branches = [unit("branch1x1", 64)(x), five, three, unit("branch_pool", self.pool)(average(x))]
    return jnp.concatenate(branches, -1)


class BlockB(nn.Module):
  """From 35 x 35 to 17 x 17."""

  @nn.compact
  def __call__(self, x):
    three = unit("branch3x3dbl_2", 96, 3)(unit("branch3x3dbl_1", 64)(x))
    three = unit("branch3x3dbl_3", 96, 3, 2, "VALID")(three)
    return jnp.concatenate([unit("branch3x3", 384, 3, 2, "VALID")(x), three, maximum(x)], -1)


class BlockC(nn.Module):
  """At 17 x 17: 7 x 7 convolutions, once and twice, as pairs of 1 x 7 and 7 x 1."""

  width: int

  @nn.compact
  def __call__(self, x):
    seven = unit("branch7x7_2", self.width, (1, 7))(unit("branch7x7_1", self.width)(x))
    seven = unit("branch7x7_3", 192, (7, 1))(seven)
    double = unit("branch7x7dbl_2", self.width, (7, 1))(unit("branch7x7dbl_1", self.width)(x))
    double = unit("branch7x7dbl_4", self.width, (7, 1))(
      unit("branch7x7dbl_3", self.width, (1, 7))(double)
    )
    double = unit("branch7x7dbl_5", 192, (1, 7))(double)
    return jnp.concatenate(
      [unit("branch1x1", 192)(x), seven, double, unit("branch_pool", 192)(average(x))], -1
    )


class BlockD(nn.Module):
  """From 17 x 17 to 8 x 8."""

  @nn.compact
  def __call__(self, x):
    three = unit("branch3x3_2", 320, 3, 2, "VALID")(unit("branch3x3_1", 192)(x))
    seven = unit("branch7x7x3_2", 192, (1, 7))(unit("branch7x7x3_1", 192)(x))
    seven = unit("branch7x7x3_4", 192, 3, 2, "VALID")(unit("branch7x7x3_3", 192, (7, 1))(seven))
    return jnp.concatenate([three, seven, maximum(x)], -1)


class BlockE(nn.Module):
  """At 8 x 8: 1 x 3 and 3 x 1 convolutions side by side; `pool` is a maximum in the last block."""

  pool: Callable

  @nn.compact
  def __call__(self, x):
    three = unit("branch3x3_1", 384)(x)
    double = unit("branch3x3dbl_2", 384, 3)(unit("branch3x3dbl_1", 448)(x))
    branches = [
      unit("branch1x1", 320)(x),
      *(unit("branch3x3_2a", 384, (1, 3))(three), unit("branch3x3_2b", 384, (3, 1))(three)),
      *(unit("branch3x3dbl_3a", 384, (1, 3))(double), unit("branch3x3dbl_3b", 384, (3, 1))(double)),
      unit("branch_pool", 192)(self.pool(x)),
    ]
    return jnp.concatenate(branches, -1)


class InceptionV3(nn.Module):
  """Pooled features [B, 2048] and logits [B, 1008] of images [B, 299, 299, 3] in [-1, 1]."""

  @nn.compact
  def __call__(self, x):
    x = unit("Conv2d_2a_3x3", 32, 3, 1, "VALID")(unit("Conv2d_1a_3x3", 32, 3, 2, "VALID")(x))
    x = maximum(unit("Conv2d_2b_3x3", 64, 3)(x))
    x = maximum(unit("Conv2d_4a_3x3", 192, 3, 1, "VALID")(unit("Conv2d_3b_1x1", 80)(x)))
    for name, pool in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
      x = BlockA(pool, name=name)(x)
    x = BlockB(name="Mixed_6a")(x)
    for name, width in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
      x = BlockC(width, name=name)(x)
    x = BlockD(name="Mixed_7a")(x)
    x = BlockE(average, name="Mixed_7b")(x)
    x = BlockE(lambda x: nn.max_pool(x, (3, 3), padding="SAME"), name="Mixed_7c")(x)
    x = x.mean((1, 2))
    return x, nn.Dense(1008, name="fc")(x)


def resize(x, side: int = SIDE):
  """Images [B, H, W, C] resized to [B, side, side, C], bilinear as in TensorFlow 1.

  Pixel i of the output lies at i H / side. Neither corners nor half-pixel centres are aligned, so
  the image shifts by up to half a pixel; FID depends on it.
  """
  for axis in (1, 2):
    size = x.shape[axis]
    at = np.arange(side, dtype=np.float32) * np.float32(size / side)
    low = at.astype(int)
    part = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
    left = jnp.take(x, low, axis)
    right = jnp.take(x, np.minimum(low + 1, size - 1), axis)  # The last pixel is its own neighbour.
    x = left + (right - left) * part
  return x


def classify(variables, images, num_values=256):
  """Features [B, 2048] and class probabilities [B, 1008] of images [B, H, W, 1 or 3].

  Images are integers in [0, num_values). The probabilities leave out the bias of the last layer, as
  those of the published Inception Scores do.
  """
  rgb = jnp.broadcast_to(images, (*images.shape[:3], 3)).astype(jnp.float32)
  x = rgb * (255 / (num_values - 1))
  features, logits = InceptionV3().apply(variables, (resize(x) - 128) / 128)
  return features, nn.softmax(logits - variables["params"]["fc"]["bias"][None])


def variables_of(state: dict[str, np.ndarray]) -> dict:
  """The flax variables of a PyTorch state dict of this network.

  Raises UserError naming the first entry that doesn't fit.
  """
  image = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), jnp.float32)
  shapes = jax.eval_shape(InceptionV3().init, jax.random.key(0), image)
  names = {
    "kernel": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
  }

  def entry(path, shape):
    *parents, leaf = (p.key for p in path[1:])
    name = ".".join((*parents, names[leaf]))
    if name not in state:
      raise UserError(f"the weights lack {name}: this is not the Inception of 2015-12-05")
    value = np.asarray(state[name], np.float32)
    value = value.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[value.ndim])
    if value.shape != shape.shape:
      raise UserError(
        f"{name} has shape {value.shape}, expected {shape.shape}: not the Inception of 2015-12-05"
      )
    return jnp.asarray(value)

  return jax.tree_util.tree_map_with_path(entry, shapes)


def inception(path: str) -> Callable:
  """A function of images that returns (features [N, 2048], probabilities [N, 1008]).

  It is `extract(images, num_values=256, batch=32, progress=iter)`, of integers [N, H, W, 1 or 3] in
  [0, num_values). `path` is the weight file named above, or an .npz of the same entries. An image
  takes about a tenth of a second on two CPU cores. Raises UserError where the file is absent or
  another network's.
  """
  variables = variables_of(read_state_dict(path))
  network = jit(classify, static_argnums=2)

  def extract(images, num_values: int = 256, batch: int = 32, progress: Callable = iter):
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
      raise UserError(
        f"images of shape {images.shape}: Inception takes [N, H, W, 1] or [N, H, W, 3]"
      )
    parts = []
    for i in progress(range(0, len(images), batch)):
      parts.append(jax.device_get(network(variables, images[i : i + batch], num_values)))
    return tuple(np.concatenate(x) for x in zip(*parts))

  return extract
