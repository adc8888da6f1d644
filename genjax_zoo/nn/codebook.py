"""Codes for vectors: the nearest of K, learned as an exponential moving average.

A codebook is {"count": [K], "total": [K, D]}: how many vectors each code stands for and their sum,
both exponential moving averages (van den Oord 2017, arXiv:1711.00937, appendix A.1). Code k is
total_k / count_k, their mean: the update of online k-means. Counts and sums are linear in a batch,
so that they are the same over any number of devices.
"""

import jax
import jax.numpy as jnp

SMOOTHING = 1e-5  # Laplace smoothing: counts as if each code had this many vectors more.


def start_codebook(key, z, size: int) -> dict:
  """A codebook of `size` of the vectors z [..., D], drawn at random, each counted once."""
  k_rows, k_noise = jax.random.split(key)
  vectors = z.reshape(-1, z.shape[-1])
  rows = jax.random.choice(k_rows, len(vectors), (size,), replace=len(vectors) < size)
  # Of a blank image all vectors are alike: noise makes the codes differ.
  noise = 1e-3 * jax.random.normal(k_noise, (size, z.shape[-1]))
  return {"count": jnp.ones(size), "total": vectors[rows] + noise}


def codes_of(book: dict):
  """The codes e_k [K, D]: total / count, with the counts smoothed to stay above 0."""
  count, total = book["count"], book["total"]
  n = count.sum()
  smoothed = (count + SMOOTHING) / (n + len(count) * SMOOTHING) * n
  return total / smoothed[:, None]


def nearest_code(z, codes):
  """The numbers int32 [...] of the codes [K, D] nearest to z [..., D]."""
  vectors = z.reshape(-1, z.shape[-1])
  distance = (codes**2).sum(-1)[None] - 2 * vectors @ codes.T  # Less |z|^2, the same for all.
  return distance.argmin(-1).astype(jnp.int32).reshape(z.shape[:-1])


def straight_through(z, e):
  """The value of e with the gradient of z."""
  return z + jax.lax.stop_gradient(e - z)


def update_codebook(book: dict, z, numbers, decay: float) -> dict:
  """The codebook after vectors z [..., D], quantized as `numbers` [...]."""
  vectors = z.reshape(-1, z.shape[-1])
  one_hot = jax.nn.one_hot(numbers.reshape(-1), len(book["count"]))
  count = decay * book["count"] + (1 - decay) * one_hot.sum(0)
  total = decay * book["total"] + (1 - decay) * one_hot.T @ vectors
  return {"count": count, "total": total}


def restart_dead(book: dict, z, numbers, key, least: float) -> dict:
  """The codebook with every code whose count is below `least` at one of the vectors z [..., D].

  They are drawn with probability proportional to their squared quantization error, as by k-means++
  (Arthur & Vassilvitskii 2007).
  """
  vectors = z.reshape(-1, z.shape[-1])
  error = ((vectors - codes_of(book)[numbers.reshape(-1)]) ** 2).sum(-1)
  size = len(book["count"])
  # 1e-12: where nothing is lost every vector is as good.
  rows = jax.random.categorical(key, jnp.log(error + 1e-12), shape=(size,))
  dead = book["count"] < least
  return {
    "count": jnp.where(dead, 1.0, book["count"]),
    "total": jnp.where(dead[:, None], vectors[rows], book["total"]),
  }


def perplexity(counts):
  """exp of the entropy of frequencies [K]: the number of codes in use if all were used alike."""
  p = counts / counts.sum()
  return jnp.exp(-jax.scipy.special.xlogy(p, p).sum())
