"""Energy-based model (Du & Mordatch 2019, arXiv:1903.08689): p(x) = exp(-E(x)) / Z, sampled by
Langevin dynamics.

log p has the gradient -dE(x) + E_p dE(x'): the energy goes down at data x and up at the model's own
samples x'. These are drawn by `steps` of

  x' <- x' - step_size / 2 grad E(x') + noise * eps,    eps ~ N(0, I)

from where the chains of earlier updates ended, kept in a replay buffer `state["buffer"]`; a share
`restart` of them starts from uniform noise. With the samples held constant,

  loss = E(x) - E(x') + l2 * (E(x)² + E(x')²)

whose second part keeps the energies' size. The kernels of E have spectral norm 1 (nn/spectral.py,
power iteration in `state["u"]`), so that its slope, and the chain, stay bounded.

Z is unknown, and so is log p. With noise² below step_size the chain is colder than the model:
samples are of exp(-E step_size / noise²), as in the paper (step_size / 2 = 10, noise 0.005), whose
energies learn to make up for it. Departures: the swish in place of residual blocks and leaky ReLU;
small widths, short chains; data are dequantised.

Images are in [-1, 1] and chains are clipped to it.
"""

import jax
from jax import lax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._form import entry, to_data, to_floats
from genjax_zoo.models._networks import encoder_decoder
from genjax_zoo.nn.spectral import directions, normalised
from genjax_zoo.prob.langevin import langevin


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

  Samples go on from chains of the buffer, or from noise, "start", for `steps`. Evaluation tells the
  mean energies of data and of the buffer. Raises UserError for real numbers, whose box is not
  known.
  """
  name, field = entry(data)
  if not field.num_values:
    raise UserError("ebm restarts its chains anywhere in the box of gray levels: it wants images")
  net, _ = encoder_decoder(network, hidden, 1, field.shape, jax.nn.swish, dtype)
  uniform = lambda key, n: jax.random.uniform(key, (n, *field.shape), minval=-1.0, maxval=1.0)

  def energy_of(weights, x):
    return net.apply({"params": weights}, x)[..., 0]

  def energy(params, state, x):
    """E(x) [B] of x in [-1, 1]."""
    return energy_of(normalised(params["energy"], state["u"], iterations=0)[0], x)

  def walk(weights, x, key, n):
    inside = lambda x: jnp.clip(x, -1, 1)
    return langevin(lambda x: energy_of(weights, x), x, key, n, step_size, noise, project=inside)

  def init(key, batch):
    k_net, k_u, k_buffer = jax.random.split(key, 3)
    params = net.init(k_net, to_floats(batch[name], field))["params"]
    return {"energy": params}, {"u": directions(k_u, params), "buffer": uniform(k_buffer, buffer)}

  def chains(state, key, n):
    """(rows of the buffer [n], where their chains go on [n, ...])."""
    k_rows, k_restart, k_noise = jax.random.split(key, 3)
    rows = jax.random.randint(k_rows, (n,), 0, buffer)
    fresh = jax.random.bernoulli(k_restart, restart, (n,)).reshape(n, *[1] * len(field.shape))
    return rows, jnp.where(fresh, uniform(k_noise, n), state["buffer"][rows])

  def loss(params, state, batch, key, train):
    k_data, k_start, k_walk = jax.random.split(key, 3)
    width = 2 / (field.num_values - 1)
    x = to_floats(batch[name], field)
    x = x + jax.random.uniform(k_data, x.shape, minval=-width / 2, maxval=width / 2)
    weights, u = normalised(params["energy"], state["u"])
    rows, start = chains(state, k_start, len(x))
    x_model = lax.stop_gradient(walk(lax.stop_gradient(weights), start, k_walk, steps))
    real, fake = energy_of(weights, x), energy_of(weights, x_model)
    changes = {"u": u, "buffer": state["buffer"].at[rows].set(x_model)}
    return real - fake + l2 * (real**2 + fake**2), (
      changes,
      {"real_energy": real, "model_energy": fake},
    )

  def evaluate(params, state, batch, key):
    rows = jax.random.randint(key, (len(batch[name]),), 0, buffer)
    real, fake = (
      energy(params, state, to_floats(batch[name], field)),
      energy(params, state, state["buffer"][rows]),
    )
    return {"real_energy": real, "model_energy": fake}

  def sample(params, state, key, n, given={}, start="buffer", steps=steps):
    k_start, k_walk = jax.random.split(key)
    if start not in ("buffer", "noise"):
      raise UserError(f"unknown sample.start={start!r}; there are buffer, noise")
    x = (
      uniform(k_start, n)
      if start == "noise"
      else state["buffer"][jax.random.randint(k_start, (n,), 0, buffer)]
    )
    weights, _ = normalised(params["energy"], state["u"], iterations=0)
    return {name: to_data(walk(weights, x, k_walk, steps), field)}

  calls = lambda steps=steps, **options: steps
  return Model(init, loss, sample, evaluate=evaluate, calls=calls, parts={"energy": energy})
