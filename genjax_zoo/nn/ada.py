"""Adaptive augmentation (Karras 2020, arXiv:2006.06676): as much of it as a critic needs.

A critic that gets all images changed at random can't memorise the few that there are. Each change
is made with probability p, which rises while the critic is surer of training images than of
others: r = E sign l(x) of training images is 0 for one that can't tell, and 1 for one that has
memorised them. Every four updates p goes up where r is above its target, else down (section 3).

While p < 1 the generator has to match the images themselves, not changed ones: a change made with
p < 1 can be undone in distribution (section 2). All changes are differentiable, and none moves
images one way in the mean: to its parameter the opposite, or the inverse, is as probable (appendix
B). In their order:

  "blit"      mirrored; turned by 0, 90, 180, 270 degrees; moved by whole pixels
  "geometry"  scaled; turned by any angle, twice; stretched; moved by any distance
  "colour"    brightness, contrast, inverted luminance, hue, saturation
  "filter"    four bands of frequencies scaled
  "noise"     white noise added
  "cutout"    a square of half the size set to gray

The geometric ones are one matrix, and the image is resampled once; the colours are another matrix.
Departures: bilinear resampling of the mirrored image, without a wavelet filter; bands of
frequencies by the FFT.
"""

import math

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
import numpy as np

CHANGES = "blit", "geometry", "colour", "filter", "noise", "cutout"
EVERY = 4  # Updates between two changes of p.
MOVE = 1 / 8  # Of the image's size.
CENTRES = 1 / 24, 1 / 12, 1 / 6, 1 / 3  # Of bands, in cycles a pixel: amid octaves from 1/32 on.
POWER = 10 / 13, 1 / 13, 1 / 13, 1 / 13  # Of natural images, in these bands.


def started(names) -> dict:
  """The state of adaptation: no change yet; {} where there is nothing to adapt."""
  if not names:
    return {}
  return {"p": jnp.zeros(()), "r": jnp.zeros(()), "updates": jnp.zeros((), jnp.int32)}


def adapted(state: dict, real, target: float, speed: float) -> dict:
  """The state after an update with logits `real` [B] of training images.

  p takes `speed` images to go from 0 to 1.
  """
  if not state:
    return state
  r = state["r"] + jnp.sign(real).mean() / EVERY
  updates = state["updates"] + 1
  due = updates % EVERY == 0
  step = jnp.sign(r - target) * EVERY * len(real) / speed
  p = jnp.clip(state["p"] + step, 0.0, 1.0)
  return {
    "p": jnp.where(due, p, state["p"]), "r": jnp.where(due, 0.0, r), "updates": updates
  }  # fmt: skip


def matrix(rows):
  """Matrices [n, k, k] of rows whose entries are numbers or arrays [n]."""
  n = max(jnp.size(entry) for row in rows for entry in row)
  full = lambda entry: jnp.broadcast_to(jnp.asarray(entry, jnp.float32), (n,))
  return jnp.stack([jnp.stack([full(entry) for entry in row], -1) for row in rows], -2)


def scaling(a, b):
  """Points (y, x) to (a y, b x), [n, 3, 3]."""
  return matrix([[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, 1.0]])


def turn(angle):
  """Points turned about the origin, [n, 3, 3]."""
  c, s = jnp.cos(angle), jnp.sin(angle)
  return matrix([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def shift(y, x):
  """Points moved, [n, 3, 3]."""
  return matrix([[1.0, 0.0, y], [0.0, 1.0, x], [0.0, 0.0, 1.0]])


def mirror(key, n, size):
  """Left and right are changed in half of the images."""
  return scaling(jnp.ones(n), 1.0 - 2.0 * jax.random.bernoulli(key, 0.5, (n,)))


def quarter_turns(key, n, size):
  """By 0 to 3 quarters."""
  return turn(jnp.pi / 2 * jax.random.randint(key, (n,), 0, 4))


def whole_moves(key, n, size):
  """By up to an eighth of the size, to whole pixels."""
  t = jax.random.uniform(key, (2, n), minval=-MOVE, maxval=MOVE)
  return shift(jnp.round(t[0] * size[0]), jnp.round(t[1] * size[1]))


def zoom(key, n, size):
  """Scaled by 2^s, s ~ N(0, 0.2²)."""
  s = 2 ** (0.2 * jax.random.normal(key, (n,)))
  return scaling(s, s)


def any_turn(key, n, size):
  """By any angle."""
  return turn(jax.random.uniform(key, (n,), minval=-jnp.pi, maxval=jnp.pi))


def stretch(key, n, size):
  """Scaled by 2^s along one axis and by 2^-s along the other, s ~ N(0, 0.2²)."""
  s = 2 ** (0.2 * jax.random.normal(key, (n,)))
  return scaling(s, 1 / s)


def any_moves(key, n, size):
  """By N(0, (1/8)²) of the size."""
  t = MOVE * jax.random.normal(key, (2, n))
  return shift(t[0] * size[0], t[1] * size[1])


GEOMETRY = {
  "blit": (mirror, quarter_turns, whole_moves),
  "geometry": (zoom, any_turn, stretch, any_turn, any_moves),
}
GRAY = np.array([1.0, 1.0, 1.0, 0.0]) / math.sqrt(3)  # The axis of luminance, of red, green, blue.


def along_gray():
  """The projection of colours (r, g, b, 1) on the axis of luminance, [4, 4]."""
  return jnp.outer(GRAY, GRAY).astype(jnp.float32)


def brightness(key, n):
  """b ~ N(0, 0.2²) is added."""
  b = 0.2 * jax.random.normal(key, (n,))
  return matrix([[1.0, 0.0, 0.0, b], [0.0, 1.0, 0.0, b], [0.0, 0.0, 1.0, b], [0.0, 0.0, 0.0, 1.0]])


def contrast(key, n):
  """Times 2^c, c ~ N(0, 0.5²)."""
  c = 2 ** (0.5 * jax.random.normal(key, (n,)))
  return matrix([[c, 0.0, 0.0, 0.0], [0.0, c, 0.0, 0.0], [0.0, 0.0, c, 0.0], [0.0, 0.0, 0.0, 1.0]])


def inversion(key, n):
  """The luminance is mirrored about 0 in half of the images: I - 2 v v^T."""
  inverted = jax.random.bernoulli(key, 0.5, (n, 1, 1))
  return jnp.eye(4)[None] - 2.0 * inverted * along_gray()[None]


def hue(key, n):
  """Turned about the axis of luminance by any angle: Rodrigues' formula."""
  angle = jax.random.uniform(key, (n, 1, 1), minval=-jnp.pi, maxval=jnp.pi)
  v = along_gray()[None]
  cross = jnp.array([[0, -1, 1, 0], [1, 0, -1, 0], [-1, 1, 0, 0], [0, 0, 0, 0]]) / math.sqrt(3)
  rgb = jnp.diag(jnp.array([1.0, 1.0, 1.0, 0.0]))[None]
  turned = v + jnp.cos(angle) * (rgb - v) + jnp.sin(angle) * cross[None]
  return turned + jnp.diag(jnp.array([0.0, 0.0, 0.0, 1.0]))[None]


def saturation(key, n):
  """What is off the axis of luminance times 2^s, s ~ N(0, 1)."""
  s = 2 ** jax.random.normal(key, (n, 1, 1))
  v = along_gray()[None]
  rgb = jnp.diag(jnp.array([1.0, 1.0, 1.0, 0.0]))[None]
  return jnp.eye(4)[None] + (s - 1) * (rgb - v)


COLOURS = brightness, contrast, inversion, hue, saturation


def share_of(change, p):
  """The probability of a change: of each of the two turns 1 - sqrt(1 - p), of one or both p."""
  return 1 - jnp.sqrt(1 - p) if change is any_turn else p


def sometimes(key, p, M):
  """Matrices [n, k, k] with probability p, else the identity."""
  applied = jax.random.bernoulli(key, p, (len(M), 1, 1))
  return jnp.where(applied, M, jnp.eye(M.shape[-1])[None])


def geometry(key, n, size, names, p):
  """All geometric changes of images of a size, from a place in the changed image: [n, 3, 3]."""
  changes = [change for name in ("blit", "geometry") if name in names for change in GEOMETRY[name]]
  M = jnp.eye(3)[None].repeat(n, 0)
  for change, k in zip(changes, jax.random.split(key, max(len(changes), 1))):
    k_change, k_applied = jax.random.split(k)
    M = M @ sometimes(k_applied, share_of(change, p), change(k_change, n, size))
  return M


def colours(key, n, p):
  """All changes of colour, from the first to the last, [n, 4, 4]."""
  M = jnp.eye(4)[None].repeat(n, 0)
  for change, k in zip(COLOURS, jax.random.split(key, len(COLOURS))):
    k_change, k_applied = jax.random.split(k)
    M = sometimes(k_applied, p, change(k_change, n)) @ M
  return M


def resampled(x, M):
  """Images [B, H, W, C] whose pixel at a place u is that of x at M u; beyond x it is mirrored.

  Places are (y, x, 1) in pixels from the centre, M is [B, 3, 3].
  """
  height, width = x.shape[1:3]
  y, x_ = jnp.mgrid[:height, :width] - jnp.array([height - 1, width - 1])[:, None, None] / 2
  places = jnp.stack([y, x_, jnp.ones_like(y)]).reshape(3, -1)
  # Turns by 90 degrees are exact up to rounding: whole places stay whole.
  found = jnp.matmul(M, places[None], precision="highest")[:, :2].reshape(-1, 2, height, width)
  found = found + jnp.array([height - 1, width - 1])[None, :, None, None] / 2

  def of_channel(image, place):
    return map_coordinates(image, [place[0], place[1]], order=1, mode="reflect")

  of_image = jax.vmap(of_channel, in_axes=(-1, None), out_axes=-1)
  return jax.vmap(of_image)(x, found)


def recoloured(x, M):
  """Images [B, H, W, C], colours through M [B, 4, 4]; a single channel is gray, and stays so."""
  if x.shape[-1] == 1:
    of_gray = M[:, :3, :3].sum((1, 2)) / 3
    added = M[:, :3, 3].mean(1)
    return x * of_gray[:, None, None, None] + added[:, None, None, None]
  return jnp.einsum("bhwc,bdc->bhwd", x, M[:, :3, :3]) + M[:, None, None, :3, 3]


def bands(height: int, width: int):
  """How much of each frequency belongs to each of four bands, [4, height, width // 2 + 1].

  Linear in the logarithm of the frequency between the bands' centres; they sum to 1.
  """
  rows, columns = jnp.fft.fftfreq(height)[:, None], jnp.fft.rfftfreq(width)[None]
  frequency = jnp.log2(jnp.maximum(jnp.sqrt(rows**2 + columns**2), 1e-6))
  centres = jnp.log2(jnp.array(CENTRES))
  return jnp.stack([jnp.interp(frequency, centres, one) for one in jnp.eye(len(CENTRES))])


def gains(key, n: int, p):
  """The gain of each band, [n, 4]: 2^g, g ~ N(0, 1), with probability p each, one by one.

  After each of them all are scaled to the power that natural images are expected to keep.
  """
  g = jnp.ones((n, len(CENTRES)))
  power = jnp.array(POWER)[None]
  for one, k in zip(jnp.eye(len(CENTRES)), jax.random.split(key, len(CENTRES))):
    k_gain, k_applied = jax.random.split(k)
    gain = 2 ** (jax.random.normal(k_gain, (n, 1)) * jax.random.bernoulli(k_applied, p, (n, 1)))
    changed = jnp.where(one[None] > 0, gain, 1.0)
    g = g * changed / jnp.sqrt((power * changed**2).sum(-1, keepdims=True))
  return g


def filtered(x, g):
  """Images [B, H, W, C], mirrored at their borders, with bands of frequencies times g [B, 4]."""
  height, width = x.shape[1:3]
  wide = jnp.concatenate([x, x[:, ::-1]], 1)
  wide = jnp.concatenate([wide, wide[:, :, ::-1]], 2)
  response = jnp.einsum("bk,khw->bhw", g, bands(2 * height, 2 * width))
  spectrum = jnp.fft.rfft2(wide, axes=(1, 2)) * response[..., None]
  return jnp.fft.irfft2(spectrum, wide.shape[1:3], axes=(1, 2))[:, :height, :width]


def noisy(x, key, p):
  """White noise is added to images, of a standard deviation |N(0, 0.1²)| for each."""
  k_scale, k_noise, k_applied = jax.random.split(key, 3)
  scale = 0.1 * jnp.abs(jax.random.normal(k_scale, (len(x), 1, 1, 1)))
  applied = jax.random.bernoulli(k_applied, p, (len(x), 1, 1, 1))
  return x + jnp.where(applied, scale, 0.0) * jax.random.normal(k_noise, x.shape)


def cut(x, key, p):
  """A rectangle of half the height and width, centred anywhere, set to 0."""
  k_centre, k_applied = jax.random.split(key)
  n, height, width, _ = x.shape
  centre = jax.random.uniform(k_centre, (n, 2, 1))
  near = lambda i, size: jnp.abs((jnp.arange(size)[None] + 0.5) / size - centre[:, i]) < 0.25
  inside = near(0, height)[:, :, None] & near(1, width)[:, None]
  applied = jax.random.bernoulli(k_applied, p, (n, 1, 1))
  return jnp.where((inside & applied)[..., None], 0.0, x)


def augment(x, key, names: tuple[str, ...], p):
  """Images [B, H, W, C] in [-1, 1] after the changes `names`, each with probability p []."""
  k_geometry, k_colour, k_filter, k_noise, k_cut = jax.random.split(key, 5)
  n = len(x)
  if {"blit", "geometry"} & set(names):
    x = resampled(x, geometry(k_geometry, n, x.shape[1:3], names, p))
  if "colour" in names:
    x = recoloured(x, colours(k_colour, n, p))
  if "filter" in names:
    x = filtered(x, gains(k_filter, n, p))
  if "noise" in names:
    x = noisy(x, k_noise, p)
  return cut(x, k_cut, p) if "cutout" in names else x
