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


def numbers(key, shape: tuple[int, ...]):
  """Random numbers of a shape, u uniform in (-1, 1) and the same as normal ones, g.

  All that is drawn for a change comes of one call: each call is compiled anew.
  """
  u = jax.random.uniform(key, shape, minval=np.nextafter(np.float32(-1), 0), maxval=1.0)
  return u, math.sqrt(2) * jax.lax.erf_inv(u)


def happens(u, p):
  """Whether something of probability p happens, by numbers u uniform in (-1, 1)."""
  return u < 2 * p - 1


# Changes are made of numbers (u, g), each [2, n]. The opposite numbers make the inverse change, but
# for two that are their own inverse.


def mirror(u, g, size):
  """Left and right are changed in half of the images."""
  return scaling(1.0, jnp.where(happens(u[0], 0.5), -1.0, 1.0))


def quarter_turns(u, g, size):
  """By 0 to 3 quarters."""
  return turn(jnp.pi / 2 * jnp.round(2 * u[0]))


def whole_moves(u, g, size):
  """By up to an eighth of the size, to whole pixels."""
  return shift(jnp.round(MOVE * size[0] * u[0]), jnp.round(MOVE * size[1] * u[1]))


def zoom(u, g, size):
  """Scaled by 2^s, s ~ N(0, 0.2²)."""
  s = 2 ** (0.2 * g[0])
  return scaling(s, s)


def any_turn(u, g, size):
  """By any angle."""
  return turn(jnp.pi * u[0])


def stretch(u, g, size):
  """Scaled by 2^s along one axis and by 2^-s along the other, s ~ N(0, 0.2²)."""
  s = 2 ** (0.2 * g[0])
  return scaling(s, 1 / s)


def any_moves(u, g, size):
  """By N(0, (1/8)²) of the size."""
  return shift(MOVE * size[0] * g[0], MOVE * size[1] * g[1])


GEOMETRY = {
  "blit": (mirror, quarter_turns, whole_moves),
  "geometry": (zoom, any_turn, stretch, any_turn, any_moves),
}
GRAY = np.array([1.0, 1.0, 1.0, 0.0]) / math.sqrt(3)  # The axis of luminance, of red, green, blue.


def along_gray():
  """The projection of colours (r, g, b, 1) on the axis of luminance, [4, 4]."""
  return jnp.outer(GRAY, GRAY).astype(jnp.float32)


def brightness(u, g):
  """b ~ N(0, 0.2²) is added."""
  b = 0.2 * g[0]
  return matrix([[1.0, 0.0, 0.0, b], [0.0, 1.0, 0.0, b], [0.0, 0.0, 1.0, b], [0.0, 0.0, 0.0, 1.0]])


def contrast(u, g):
  """Times 2^c, c ~ N(0, 0.5²)."""
  c = 2 ** (0.5 * g[0])
  return matrix([[c, 0.0, 0.0, 0.0], [0.0, c, 0.0, 0.0], [0.0, 0.0, c, 0.0], [0.0, 0.0, 0.0, 1.0]])


def inversion(u, g):
  """The luminance is mirrored about 0 in half of the images: I - 2 v v^T."""
  inverted = happens(u[0], 0.5)[:, None, None]
  return jnp.eye(4)[None] - 2.0 * inverted * along_gray()[None]


def hue(u, g):
  """Turned about the axis of luminance by any angle: Rodrigues' formula."""
  angle = (jnp.pi * u[0])[:, None, None]
  v = along_gray()[None]
  cross = jnp.array([[0, -1, 1, 0], [1, 0, -1, 0], [-1, 1, 0, 0], [0, 0, 0, 0]]) / math.sqrt(3)
  rgb = jnp.diag(jnp.array([1.0, 1.0, 1.0, 0.0]))[None]
  turned = v + jnp.cos(angle) * (rgb - v) + jnp.sin(angle) * cross[None]
  return turned + jnp.diag(jnp.array([0.0, 0.0, 0.0, 1.0]))[None]


def saturation(u, g):
  """What is off the axis of luminance times 2^s, s ~ N(0, 1)."""
  s = 2 ** g[0][:, None, None]
  v = along_gray()[None]
  rgb = jnp.diag(jnp.array([1.0, 1.0, 1.0, 0.0]))[None]
  return jnp.eye(4)[None] + (s - 1) * (rgb - v)


COLOURS = brightness, contrast, inversion, hue, saturation


def share_of(change, p):
  """The probability of a change: of each of the two turns 1 - sqrt(1 - p), of one or both p."""
  return 1 - jnp.sqrt(1 - p) if change is any_turn else p


def sometimes(u, p, M):
  """Matrices [n, k, k] with probability p, by numbers u [n], else the identity."""
  return jnp.where(happens(u, p)[:, None, None], M, jnp.eye(M.shape[-1])[None])


def product(matrices):
  """The product of [m, n, k, k] along the first axis, [n, k, k]; one product is compiled."""
  return jax.lax.scan(lambda M, N: (M @ N, None), matrices[0], matrices[1:])[0]


def geometry(key, n, size, names, p):
  """All geometric changes of images of a size, from a place in the changed image: [n, 3, 3]."""
  changes = [change for name in ("blit", "geometry") if name in names for change in GEOMETRY[name]]
  u, g = numbers(key, (len(changes), 3, n))
  made = [
    sometimes(u[i, 2], share_of(change, p), change(u[i], g[i], size))
    for i, change in enumerate(changes)
  ]
  return product(jnp.stack(made))


def colours(key, n, p):
  """All changes of colour, from the first to the last, [n, 4, 4]."""
  u, g = numbers(key, (len(COLOURS), 2, n))
  made = [sometimes(u[i, 1], p, change(u[i], g[i])) for i, change in enumerate(COLOURS)]
  return product(jnp.stack(made[::-1]))


def mirrored_index(i, size: int):
  """Integers as places in [0, size), mirrored beyond the borders: d c b a | a b c d | d c b a."""
  i = i % (2 * size)
  return jnp.minimum(i, 2 * size - 1 - i)


def resampled(x, M):
  """Images [B, H, W, C] whose pixel at a place u is that of x at M u; beyond x it is mirrored.

  Places are (y, x, 1) in pixels from the centre, M is [B, 3, 3]. Bilinear, by one gather of all
  four neighbours, whose gradients are one scatter.
  """
  n, height, width, channels = x.shape
  centre = jnp.array([[height - 1, width - 1, 0]]).T / 2
  rows, columns = jnp.mgrid[:height, :width]
  places = jnp.stack([rows, columns, jnp.ones_like(rows)]).reshape(3, -1) - centre
  # Turns by 90 degrees are exact up to rounding: whole places stay whole.
  found = jnp.matmul(M, places[None], precision="highest") + centre[None]
  low = jnp.floor(found[:, :2])
  share = found[:, :2] - low
  shares = jnp.stack([1 - share, share])  # [2, B, 2, H W]: of the lower neighbour, of the upper.
  near = jnp.stack([low, low + 1]).astype(jnp.int32)
  rows = mirrored_index(near[:, :, 0], height)
  columns = mirrored_index(near[:, :, 1], width)
  index = rows[:, None] * width + columns[None]  # [2, 2, B, H W].
  weight = shares[:, None, :, 0] * shares[None, :, :, 1]
  of_image = lambda a: jnp.moveaxis(a.reshape(4, n, -1), 0, 1)  # [B, 4, H W].
  pixels = x.reshape(n, -1, channels)
  neighbours = jnp.take_along_axis(pixels, of_image(index).reshape(n, -1, 1), 1)
  neighbours = neighbours.reshape(n, 4, -1, channels)
  return (neighbours * of_image(weight)[..., None]).sum(1).reshape(x.shape)


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
  u, g = numbers(key, (2, n, len(CENTRES)))
  gain = jnp.where(happens(u[1], p), 2 ** g[0], 1.0)
  # [n, 4, 4]: the gains that each of the four changes gives to all bands.
  each = jnp.where(jnp.eye(len(CENTRES), dtype=bool)[None], gain[..., None], 1.0)
  power = jnp.sqrt((jnp.array(POWER)[None, None] * each**2).sum(-1, keepdims=True))
  return (each / power).prod(1)


def filtered(x, g):
  """Images [B, H, W, C], mirrored at their borders, with bands of frequencies times g [B, 4]."""
  height, width = x.shape[1:3]
  wide = jnp.concatenate([x, x[:, ::-1]], 1)
  wide = jnp.concatenate([wide, wide[:, :, ::-1]], 2)
  response = jnp.einsum("bk,khw->bhw", g, bands(2 * height, 2 * width))
  spectrum = jnp.fft.rfft2(wide, axes=(1, 2)) * response[..., None]
  return jnp.fft.irfft2(spectrum, wide.shape[1:3], axes=(1, 2))[:, :height, :width]


def added_noise(key, shape: tuple[int, ...], p):
  """White noise of images, of a standard deviation |N(0, 0.1²)| for each, or 0."""
  k_scale, k_noise = jax.random.split(key)
  u, g = numbers(k_scale, (2, shape[0], 1, 1, 1))
  scale = jnp.where(happens(u[1], p), 0.1 * jnp.abs(g[0]), 0.0)
  return scale * jax.random.normal(k_noise, shape)


def kept(key, n: int, size, p):
  """What is not cut out, bool [n, H, W, 1]: a rectangle of half the size, centred anywhere, is."""
  height, width = size
  u, _ = numbers(key, (3, n, 1))
  near = lambda u, size: jnp.abs((jnp.arange(size)[None] + 0.5) / size - (u + 1) / 2) < 0.25
  inside = near(u[0], height)[:, :, None] & near(u[1], width)[:, None]
  return ~(inside & happens(u[2], p)[:, :, None])[..., None]


def drawn(key, shape: tuple[int, ...], names: tuple[str, ...], p) -> dict:
  """The changes `names` of images of a shape [B, H, W, C], each with probability p []."""
  k_geometry, k_colour, k_filter, k_noise, k_cut = jax.random.split(key, 5)
  n, *size, _ = shape
  found = {}
  if {"blit", "geometry"} & set(names):
    found["geometry"] = geometry(k_geometry, n, size, names, p)
  if "colour" in names:
    found["colour"] = colours(k_colour, n, p)
  if "filter" in names:
    found["filter"] = gains(k_filter, n, p)
  if "noise" in names:
    found["noise"] = added_noise(k_noise, shape, p)
  if "cutout" in names:
    found["kept"] = kept(k_cut, n, size, p)
  return found


def changed(x, changes: dict):
  """Images [B, H, W, C] in [-1, 1] after changes that were `drawn`."""
  if "geometry" in changes:
    x = resampled(x, changes["geometry"])
  if "colour" in changes:
    x = recoloured(x, changes["colour"])
  if "filter" in changes:
    x = filtered(x, changes["filter"])
  x = x + changes.get("noise", 0.0)
  return jnp.where(changes["kept"], x, 0.0) if "kept" in changes else x
