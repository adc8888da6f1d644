"""Energy-based model (Du & Mordatch 2019, arXiv:1903.08689): p(x) = exp(-E(x)) / Z, sampled by
Langevin dynamics.

The gradient of log p(x) in the parameters is -dE(x) + E_p dE(x'): training lowers the energy of
data x and raises that of the model's own samples x'. These come from `steps` updates

  x' <- x' - step_size / 2 grad E(x') + noise * eps,    eps ~ N(0, I)

of chains that go on from earlier training steps, in the replay buffer `state["buffer"]`; a fraction
`restart` of them restarts from uniform noise. No gradient flows through the samples in

  loss = E(x) - E(x') + l2 (E(x)² + E(x')²)

whose second term bounds the energies. The kernels of E, as matrices [.., out], have spectral norm 1
(nn/spectral.py, with the power iteration's vectors in `state["u"]`). That bounds its gradient, and
so the chains, though not by 1 where there are convolutions.

Z is unknown, and so is log p. With noise² < step_size samples come from a lower temperature,
exp(-E step_size / noise²), as in the paper (step_size / 2 = 10, noise 0.005), and the energy is
learned at that temperature. Images are in [-1, 1], and chains are clipped to it.

Departures: swish networks instead of residual blocks with leaky ReLU; small widths and short
chains; uniform dequantization of the data.
"""

import jax
from jax import lax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._form import entry, to_data, to_floats
from genjax_zoo.models._networks import encoder_decoder
from genjax_zoo.nn.spectral import directions, normalised
from genjax_zoo.prob.langevin import langevin


def uniform_noise(key, n: int, shape):
  """Noise [n, *shape], uniform in [-1, 1]."""
  return jax.random.uniform(key, (n, *shape), minval=-1.0, maxval=1.0)


def dequantized(x, key, num_values: int):
  """Gray levels, scaled to [-1, 1], with uniform noise as wide as their distance."""
  width = 2 / (num_values - 1)
  return x + jax.random.uniform(key, x.shape, minval=-width / 2, maxval=width / 2)


def random_rows(buffer, key, n: int):
  """n rows of the buffer, with replacement, [n, ...]."""
  return buffer[jax.random.randint(key, (n,), 0, len(buffer))]


def chain_starts(buffer, key, n: int, restart: float):
  """(rows of the buffer [n], x of their chains [n, ...]), a fraction `restart` of it noise."""
  shape = buffer.shape[1:]
  k_rows, k_restart, k_noise = jax.random.split(key, 3)
  rows = jax.random.randint(k_rows, (n,), 0, len(buffer))
  restarts = jax.random.bernoulli(k_restart, restart, (n,)).reshape(n, *[1] * len(shape))
  return rows, jnp.where(restarts, uniform_noise(k_noise, n, shape), buffer[rows])


def contrastive_loss(real, fake, l2: float):
  """E(x) - E(x') + l2 (E(x)² + E(x')²) of the energies of data and of samples, [B]."""
  return real - fake + l2 * (real**2 + fake**2)


def model(
  data,
  *,
  hidden: tuple[int, ...] = (64, 128),
  network: str = "conv",
  buffer: int = 10_000,
  steps: int = 60,
  step_size: float = 20.0,
  noise: float = 0.005,
  restart: float = 0.05,
  l2: float = 1.0,
  dtype: str = "float32",
) -> Model:
  """An energy of "image"; `hidden` are the widths of its layers ("mlp") or convolutions ("conv").

  Samples take `steps` from chains of the buffer, or from noise with start="noise". Metrics: the
  mean energies of data and of the model's samples, in evaluation those of the buffer. Raises
  UserError for real numbers, whose range is unknown.
  """
  name, field = entry(data)
  if not field.num_values:
    raise UserError(
      "ebm restarts its chains uniformly in the range of gray levels: it needs images"
    )
  net, _ = encoder_decoder(network, hidden, 1, field.shape, jax.nn.swish, dtype)

  def init(key, batch):
    k_net, k_u, k_buffer = jax.random.split(key, 3)
    params = net.init(k_net, to_floats(batch[name], field))["params"]
    state = {
      "u": directions(k_u, params),
      "buffer": uniform_noise(k_buffer, buffer, field.shape),
    }
    return {"energy": params}, state

  def energy_of(weights, x):
    """E(x) [B], by weights that are normalised already."""
    return net.apply({"params": weights}, x)[..., 0]

  def weights_of(params, state):
    weights, _ = normalised(params["energy"], state["u"], iterations=0)
    return weights

  def energy(params, state, x):
    """E(x) [B] of x in [-1, 1]."""
    return energy_of(weights_of(params, state), x)

  def walk(weights, x, key, steps):
    """x after `steps` updates, clipped to [-1, 1]."""
    clip = lambda x: jnp.clip(x, -1, 1)
    return langevin(lambda x: energy_of(weights, x), x, key, steps, step_size, noise, project=clip)

  def loss(params, state, batch, key, train):
    k_data, k_start, k_walk = jax.random.split(key, 3)
    x = dequantized(to_floats(batch[name], field), k_data, field.num_values)
    weights, u = normalised(params["energy"], state["u"])
    rows, start = chain_starts(state["buffer"], k_start, len(x), restart)
    samples = lax.stop_gradient(walk(lax.stop_gradient(weights), start, k_walk, steps))
    real = energy_of(weights, x)
    fake = energy_of(weights, samples)
    changes = {"u": u, "buffer": state["buffer"].at[rows].set(samples)}
    metrics = {"real_energy": real, "model_energy": fake}
    return contrastive_loss(real, fake, l2), (changes, metrics)

  def evaluate(params, state, batch, key):
    real = energy(params, state, to_floats(batch[name], field))
    fake = energy(params, state, random_rows(state["buffer"], key, len(batch[name])))
    return {"real_energy": real, "model_energy": fake}

  def sample(params, state, key, n, given={}, start="buffer", steps=steps):
    """Images from chains that go on from the buffer, or start from "noise"."""
    if start not in ("buffer", "noise"):
      raise UserError(f"unknown sample.start={start!r}; there are buffer, noise")
    k_start, k_walk = jax.random.split(key)
    if start == "noise":
      x = uniform_noise(k_start, n, field.shape)
    else:
      x = random_rows(state["buffer"], k_start, n)
    return {name: to_data(walk(weights_of(params, state), x, k_walk, steps), field)}

  def calls(steps=steps, **options):
    return steps

  return Model(init, loss, sample, evaluate=evaluate, calls=calls, parts={"energy": energy})
