"""A small model with all that a checkpoint holds: state, averaged weights, optimizer moments."""

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Model, descend


def model(data) -> Model:
  """A noisy linear autoencoder of "image"; its state counts examples and tracks the mean image."""
  dim = data["image"].shape[0] ** 2

  def floats(batch):
    return jnp.asarray(batch["image"], jnp.float32).reshape(-1, dim) / 16

  def init(key, batch):
    down, up = jax.random.split(key)
    params = {
      "down": jax.random.normal(down, (dim, 32)) / 8,
      "up": jax.random.normal(up, (32, dim)) / 8,
    }
    return params, {"mean": floats(batch).mean(0), "seen": jnp.zeros((), jnp.int32)}

  def loss(params, state, batch, key, train, beta=1.0):
    x = floats(batch)
    z = x @ params["down"] + 0.1 * beta * jax.random.normal(key, (len(x), 32))
    changes = {"mean": 0.9 * state["mean"] + 0.1 * x.mean(0), "seen": state["seen"] + len(x)}
    error = ((z @ params["up"] - x + state["mean"][None]) ** 2).sum(-1)
    return error, (changes if train else {}, {"error": error})

  def sample(params, state, key, n, given={}, temperature=1.0):
    x = temperature * jax.random.normal(key, (n, 32)) @ params["up"]
    return {"image": jnp.clip(x * 16, 0, 16).astype(jnp.uint8).reshape(n, *data["image"].shape)}

  return Model(init, loss, sample)


def learner(data, ema=0.99):
  """The toy trained by Adam with a scheduled argument."""
  return descend(model(data), optax.adam(1e-2), ema, {"beta": optax.linear_schedule(0.0, 1.0, 20)})
