"""DreamFusion (Poole 2022, arXiv:2209.14988): scenes whose renders a diffusion model believes.

Nothing here is fitted to images. A scene, a grid of density and albedo for each prompt, is rendered
from random cameras, x = g(theta), and a frozen text-conditional diffusion model says how x is to
change. With x_t = alpha x + sigma eps at a random noise level, score distillation descends along

  w(t) (eps_hat(x_t, prompt, camera) - eps) dx/dtheta,   w(t) = sigma² / (alpha² + sigma²)

which leaves out the Jacobian of the network (equation 3): it is the gradient of the KL divergence
of the noisy renders from the noisy images of the prompt, a mean over t. `surrogate` is a loss that
has this gradient. eps_hat is guided (classifier-free, `scale`), and as the paper adds "side view"
to a prompt, the model of the renders is given the camera: without it solids come out alike from all
sides. Where the prior knows no cameras they are left out.

  loss = surrogate + opacity sum sqrt(opacity² + 0.01) + orientation sum_i sg(w_i) max(0, n_i . d)²

over the rays of a render, w_i the weights of volume rendering, n_i the normals of the density, d
the direction of the ray (appendix A): space should be empty, and surfaces face the camera. Albedo
is `shaded` by Lambert's cosine.

Departures: grids, not a network (arXiv:2111.11215); the background is white and the light where it
is in the data, since the prior knows no other; no textureless renders. Of the batch only its size
matters, n / K renders of each of K prompts.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_of, null
from genjax_zoo.models._form import to_data
from genjax_zoo.models.discriminative.nerf import EXTENT, FAR, NEAR, views_of
from genjax_zoo.nn.fields import inside, to_density, trilinear
from genjax_zoo.prob import cameras, guidance
from genjax_zoo.prob.processes import aligned, diffuse
from genjax_zoo.prob.rendering import even_edges, lambert, render
from genjax_zoo.prob.schedules import NoiseLevel

LIGHT, AMBIENT = (0.48, 0.36, 0.8), 0.4  # Those of data/ray_casting.py.
ELEVATIONS = 10, 55  # Degrees, between which cameras stand.
LEVELS = 100  # Of the noise, of which two at either end are left out.


def distilled(x0_hat, x_t, eps, level: NoiseLevel):
  """The direction w(t) (eps_hat - eps) [B, ...] along which x descends, given x_t of x and eps.

  eps_hat is the noise by which x0_hat would have become x_t; w(t) = sigma² / (alpha² + sigma²).
  """
  alpha, sigma = aligned(level, x_t)
  eps_hat = (x_t - alpha * x0_hat) / sigma
  return sigma**2 / (alpha**2 + sigma**2) * (eps_hat - eps)


def surrogate(x, direction):
  """|direction|² / 2 [B], whose gradient in x [B, ...] is the direction, not its derivative."""
  target = jax.lax.stop_gradient(x - direction)
  return 0.5 * ((x - target) ** 2).reshape(len(x), -1).sum(-1)


def score_distillation(denoise, x, level: NoiseLevel, key):
  """The surrogate loss [B] of renders x [B, ...] at noise levels [B].

  denoise(x, level) -> x0_hat is frozen.
  """
  eps = jax.random.normal(key, x.shape)
  x_t = jax.lax.stop_gradient(diffuse(x, eps, level))
  return surrogate(x, distilled(denoise(x_t, level), x_t, eps, level))


def guided(first: Model, values, c, scale: float):
  """(x, level) -> x0_hat of the model `first` by classifier-free guidance, clipped; levels [B]."""

  def denoise(x, level):
    twice = jax.tree.map(lambda a: jnp.concatenate([a, a]), level)
    both = lambda x, _, c: first.parts["denoise"](*values, x, twice, c)
    return guidance.classifier_free(both, c, null(c), scale)(x, level)

  return guidance.clipped(denoise)


def start(size: int):
  """A gray ball [size, size, size, 4] amid nothing: numbers of the density, then of the albedo."""
  axis = jnp.linspace(-1, 1, size)
  radius = jnp.linalg.norm(jnp.stack(jnp.meshgrid(axis, axis, axis, indexing="ij"), -1), axis=-1)
  return jnp.concatenate([(4 - 12 * radius)[..., None], jnp.zeros((size, size, size, 3))], -1)


def scene_field(grid, shaded: bool, points, directions):
  """(density [...], (colour, how far it faces away) [..., 4]) of a grid [G, G, G, 4] at points.

  The normals are minus the gradient of the density, whose differences on the grid are interpolated.
  """
  slopes = jnp.stack(jnp.gradient(grid[..., 0]), -1)
  values = trilinear(jnp.concatenate([grid, slopes], -1), points / EXTENT)
  density = to_density(values[..., 0]) * inside(points / EXTENT)
  colour = jax.nn.sigmoid(values[..., 1:4])
  steepness = jnp.sqrt((values[..., 4:] ** 2).sum(-1, keepdims=True) + 1e-6)
  normals = -values[..., 4:] / steepness
  if shaded:
    colour = colour * lambert(normals, LIGHT, AMBIENT)[..., None]
  away = jnp.maximum((normals * directions).sum(-1), 0) ** 2
  return density, jnp.concatenate([colour, away[..., None]], -1)


def facing_away(made):
  """How much of what rays [...] see faces away from the camera: sum_i sg(w_i) max(0, n_i . d)²."""
  return (jax.lax.stop_gradient(made.weights) * made.values[..., 3]).sum(-1)


def prompt_tokens(field: Field, prompts: tuple[str, ...]):
  """The tokens [K, L] of prompts. Raises UserError for a word that the captions do not have."""
  rows = []
  for prompt in prompts:
    words = prompt.split()
    unknown = [word for word in words if word not in field.names]
    if unknown or len(words) > field.shape[0]:
      raise UserError(
        f"model.prompts has {prompt!r}: take at most {field.shape[0]} words of "
        f"{', '.join(field.names[1:])}"
      )
    numbers = [field.names.index(word) for word in words]
    rows.append(numbers + [0] * (field.shape[0] - len(words)))
  return np.array(rows, np.int32)


def random_cameras(key, n: int):
  """The angles [n, 2] of n cameras: any azimuth, an elevation between ELEVATIONS."""
  low, high = (np.radians(e) for e in ELEVATIONS)
  k_azimuth, k_elevation = jax.random.split(key)
  azimuth = jax.random.uniform(k_azimuth, (n,), maxval=2 * jnp.pi)
  return jnp.stack([azimuth, jax.random.uniform(k_elevation, (n,), minval=low, maxval=high)], -1)


def model(
  data,
  *,
  first: Model,
  prompts: tuple[str, ...],
  grid: int = 24,
  points: int = 32,
  scale: float = 7.5,
  opacity: float = 0.01,
  orientation: float = 0.01,
  shaded: bool = True,
) -> Model:
  """Scenes of `prompts`, from the diffusion model `first` of renders, given their captions.

  It samples the prompts in turn, from random cameras: "image", "tokens" and "camera". A scene is a
  grid of `grid`³, a ray has `points`. `scale` is that of guidance, `opacity` and `orientation` are
  weights of the loss. Raises UserError for other data or stages, and for unknown words.
  """
  image, _ = views_of(data)
  if "denoise" not in first.parts or "tokens" not in first.given:
    raise UserError("stages.first is no text-to-image diffusion: take text_diffusion_scenes")
  tokens = prompt_tokens(data["tokens"], prompts)
  K, size = len(prompts), image.shape[0]
  edges = even_edges(NEAR, FAR, points)
  path = first.parts["path"](None, None, LEVELS)  # It needs no parameters.

  def view(scene, angles, key=None, size=size):
    """The `Rendering` of a scene's grid from a camera with the `angles` [2]."""
    origin, directions = cameras.rays(*angles, size)
    origins = jnp.broadcast_to(origin, directions.shape)
    field = partial(scene_field, scene, shaded)
    background = jnp.array([1.0, 1.0, 1.0, 0.0])
    return render(field, origins, directions, edges, background, key)

  def renders(scenes, angles, keys):
    """Renderings [K, n, S, S, ...] of all scenes [K, ...], each from its own cameras [K, n, 2]."""
    return jax.vmap(jax.vmap(view, (None, 0, 0)))(scenes, angles, keys)

  def init(key, batch, frozen):
    return {"scenes": jnp.stack([start(grid)] * K)}, {"frozen": frozen}

  def loss(params, state, batch, key, train):
    n = len(batch["image"])
    if n % K:
      raise UserError(f"data.batch={n}: take a multiple of the {K} prompts")
    k_camera, k_ray, k_level, k_eps = jax.random.split(key, 4)
    angles = random_cameras(k_camera, n)
    several = lambda a: a.reshape(K, n // K, *a.shape[1:])  # Cameras of each scene.
    keys = jax.random.split(k_ray, n)
    made = renders(params["scenes"], several(angles), several(keys))
    made = jax.tree.map(lambda a: a.reshape(n, *a.shape[2:]), made)
    x = 2 * made.colour[..., :3] - 1
    level = path.at(jax.random.randint(k_level, (n,), 2, LEVELS - 1))
    given = {"tokens": jnp.repeat(tokens, n // K, 0), "camera": angles}
    c = condition_of(first.given, given, n)
    denoise = guided(first, state["frozen"]["first"], c, scale)
    metrics = {
      "distillation": score_distillation(denoise, x, level, k_eps),
      "opacity": jnp.sqrt(made.opacity**2 + 0.01).sum((1, 2)),
      "orientation": facing_away(made).sum((1, 2)),
    }
    total = metrics["distillation"] + opacity * metrics["opacity"]
    return total + orientation * metrics["orientation"], ({}, metrics)

  def sample(params, state, key, n, given={}):
    """n renders, of prompt i mod K, from cameras that are given or drawn."""
    k_camera, k_ray = jax.random.split(key)
    angles = given.get("camera", random_cameras(k_camera, n))
    which = jnp.arange(n) % K
    draw = lambda row: view(params["scenes"][row[0]], *row[1:]).colour[..., :3]
    colours = jax.lax.map(draw, (which, angles, jax.random.split(k_ray, n)))
    images = to_data(2 * colours - 1, image)
    return {"image": images, "tokens": jnp.asarray(tokens)[which], "camera": angles}

  def views(params, state, angles, size):
    """What cameras [n, 2] see of each scene: {name: [K, n, size, size, ...]}."""
    made = jax.lax.map(
      lambda scene: jax.lax.map(lambda a: view(scene, a, size=size), angles), params["scenes"]
    )
    return {"colour": made.colour[..., :3], "depth": made.depth, "opacity": made.opacity}

  def density(params, state, points):
    """The density of each scene at points [P, 3] of the cube [-1, 1]³, [K, P]."""
    at = lambda scene: scene_field(scene, shaded, points * EXTENT, points)[0]
    return jax.lax.map(at, params["scenes"])

  return Model(
    init,
    loss,
    sample,
    calls=lambda **options: 1,
    parts={"views": views, "density": density},
  )
