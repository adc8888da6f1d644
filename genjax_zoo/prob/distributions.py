"""Log-probabilities in nats, and samples, of the distributions that networks output; elementwise
unless a docstring says otherwise.

Discretized distributions are of integers x in [0, num_values), which stand for
v = 2 x / (num_values - 1) - 1 in [-1, 1]. The cell of x is 2 / (num_values - 1) wide around v, and
the cells at the ends reach to infinity, so that the masses of all x sum to 1. Means and scales are
in units of v. Logarithms of scales are clipped to [-30, 30], where float32 and its gradients are
finite.
"""

import math

import jax
from jax.nn import log_sigmoid, logsumexp
import jax.numpy as jnp
from jax.scipy.special import log_ndtr


def bernoulli_log_prob(x, logits):
  """log p(x) of x in {0, 1}, p(1) = sigmoid(logits); for x between, minus the cross-entropy."""
  return x * logits - jax.nn.softplus(logits)


def bernoulli_sample(key, p):
  """Whether each is 1, which has probability p: the numbers of `jax.random.bernoulli`."""
  return in_line(jax.random.uniform, key, p.shape) < p


def in_line(sample, key, shape):
  """The numbers of sample(key, shape), made as one line: for images on a CPU in half of the time.

  XLA's CPU backend is slow to make random arrays of more than two axes.
  """
  return sample(key, (math.prod(shape),)).reshape(shape)


def normal_log_prob(x, mean, log_scale):
  """log N(x; mean, exp(log_scale)^2)."""
  return -0.5 * ((x - mean) * jnp.exp(-log_scale)) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)


def normal_sample(key, mean, log_scale):
  """mean + exp(log_scale) eps, eps ~ N(0, I): differentiable in both."""
  return mean + jnp.exp(log_scale) * jax.random.normal(key, jnp.shape(mean))


def categorical_log_prob(x, logits):
  """log softmax(logits)[x] of integers x [...], logits [..., K]."""
  index = x[..., None].astype(jnp.int32)
  return jnp.take_along_axis(jax.nn.log_softmax(logits), index, -1)[..., 0]


def gumbel_softmax_sample(key, logits, temperature):
  """Relaxed one-hot samples of softmax(logits), [..., K].

  They are softmax((logits + g) / temperature), g ~ Gumbel(0, 1). The largest entry is at k with
  probability softmax(logits)[k]; the others vanish as `temperature` goes to 0 (Jang et al. 2016,
  1611.01144; Maddison et al. 2016, 1611.00712).
  """
  return jax.nn.softmax((logits + jax.random.gumbel(key, logits.shape)) / temperature)


def scale(log_scale):
  """exp(log_scale), in [exp(-30), exp(30)]."""
  return jnp.exp(jnp.clip(log_scale, -30.0, 30.0))


def cell(x, mean, log_scale, num_values: int):
  """(centre, width) of the cell of x, standardised: (v - mean) / scale, and its width / scale."""
  inverse = 1 / scale(log_scale)
  v = 2 * x.astype(jnp.float32) / (num_values - 1) - 1
  return (v - mean) * inverse, 2 / (num_values - 1) * inverse


def discretized_logistic_log_prob(x, mean, log_scale, num_values: int):
  """log of the mass of the cell of x under a logistic (PixelCNN++, 1701.05517, eq. 2).

  With a < b the standardised ends, log(sigmoid(b) - sigmoid(a)) is log sigmoid(b) + log sigmoid(-a)
  + log(1 - exp(a - b)), accurate in both tails.
  """
  centre, width = cell(x, mean, log_scale, num_values)
  # An infinite end drops its own term, and the last one, whose exp(a - b) is 0.
  above_a = jnp.where(x > 0, log_sigmoid(width / 2 - centre), 0.0)
  below_b = jnp.where(x < num_values - 1, log_sigmoid(width / 2 + centre), 0.0)
  finite = (x > 0) & (x < num_values - 1)
  return above_a + below_b + jnp.where(finite, jnp.log(-jnp.expm1(-width)), 0.0)


def discretized_logistic_mixture_log_prob(x, logits, mean, log_scale, num_values: int):
  """log of the mass of the cell of x under a mixture of K logistics, [...].

  logits, mean and log_scale are [..., K].
  """
  components = discretized_logistic_log_prob(x[..., None], mean, log_scale, num_values)
  return logsumexp(jax.nn.log_softmax(logits) + components, -1)


def discretized_normal_log_prob(x, mean, log_scale, num_values: int):
  """log of the mass of the cell of x under a Gaussian (DDPM, 2006.11239, eq. 13).

  With a < b the standardised ends and Phi the normal distribution function, left of the mean
  log(Phi(b) - Phi(a)) is log Phi(b) + log(1 - exp(log Phi(a) - log Phi(b))), and on the right its
  mirror image. In narrow cells rounding would leave nothing of the difference: there it is
  `log_mass_of_narrow_cell`.
  """
  centre, width = cell(x, mean, log_scale, num_values)
  first = x == 0
  last = x == num_values - 1
  narrow = ~(first | last) & (width < 0.5) & (width * jnp.abs(centre) < 0.5)
  # Each of the two is evaluated at harmless values where it is not taken: so gradients stay finite.
  taylor = log_mass_of_narrow_cell(jnp.where(narrow, centre, 0.0), jnp.where(narrow, width, 1.0))
  w = jnp.where(narrow, 1.0, width)
  # The mirror image to the left; the cells at the ends are those below b, or mirrored, above a.
  left = jnp.where(first, centre, jnp.where(last, -centre, -jnp.abs(centre)))
  log_b = log_ndtr(left + w / 2)
  # log Phi is concave, its slope at b at least -b: a bound that rounding breaks far in the tail.
  drop = jnp.minimum(log_ndtr(left - w / 2) - log_b, w * jnp.minimum(left + w / 2, 0.0))
  # The ends have no a, and so no second term.
  inside = jnp.log(-jnp.expm1(jnp.where(first | last, -1.0, drop)))
  return jnp.where(narrow, taylor, log_b + jnp.where(first | last, 0.0, inside))


def log_mass_of_narrow_cell(c, w):
  """log of the mass of N(0, 1) in a cell of width w around c, by the Taylor series of its density.

  The mass is w phi(c) (1 + w^2 (c^2 - 1) / 24 + w^4 (c^4 - 6 c^2 + 3) / 1920).
  """
  series = w**2 * (c**2 - 1) / 24 + w**4 * (c**4 - 6 * c**2 + 3) / 1920
  return jnp.log(w) + jnp.log1p(series) - 0.5 * c**2 - 0.5 * math.log(2 * math.pi)


def log_mean_exp(x, axis: int = 0):
  """log of the mean of exp(x) over an axis."""
  return logsumexp(x, axis) - math.log(x.shape[axis])
