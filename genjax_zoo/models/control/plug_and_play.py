"""Plug and play (PPLM, Dathathri 2019, arXiv:1912.02164): a classifier's gradient steers a model.

A frozen language model has no style; a small classifier p(y | w) of its words does. Before a word
is drawn, the states h of the words so far, at the hook `at`, move so that the classifier expects y
of what comes next:

  p~ = softmax(logits(h + delta)),   reward = sum_w p~(w) log p(y | w_<i, w)
  delta <- delta + strength grad_delta (reward - kl_weight KL(p~ || p)),   `steps` times

and w_i is drawn from p~; delta starts at 0 for each word. The gradient reaches delta through the
next word alone, which is what is being chosen. The present state, which the next word is read from,
moves with the past ones. If delta could make any p~, it would be p(w) p(y | w_<i, w)^(1/kl_weight),
normalised. The classifier is linear in the mean of the vectors of the words and is trained at every
word. At strength 0 it is the frozen model.

Departures: the paper's reward is log p(y | w_<i, e~) of the mean vector e~ of the next word, which
is near 0 as soon as most words of p~ say y, and lets the others be; it moves the keys and values of
all layers, normalises the gradient, and mixes p~ and p once more.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.control._steered import classes_of, part
from genjax_zoo.nn.hooks import edited, reading
from genjax_zoo.prob.autoregressive import ancestral, fixed_values, head, sampler

TEXT = "tokens"
VECTORS = "token"  # The hook of the vectors of the words.


def ascend(objective, delta, steps: int, strength):
  """delta [B, ...] after gradient ascent of objective(delta) [B] in `steps` steps."""
  gradient = jax.grad(lambda delta: objective(delta).sum())
  for _ in range(steps):
    delta += strength * gradient(delta)
  return delta


def log_labels(classifier, h):
  """log p(y | h_1 .. h_j) [B, L, classes] at every place j, by the mean of states h [B, L, W]."""
  seen = jnp.arange(1, h.shape[1] + 1)[None, :, None]
  return jax.nn.log_softmax(
    h.cumsum(1) / seen @ classifier["kernel"] + classifier["bias"][None, None]
  )


def log_next(classifier, h, vectors, i):
  """log p(y | h_0 .. h_i, v) of each of the vectors v [V, W] that may follow, [B, V, classes]."""
  said = jnp.where((jnp.arange(h.shape[1]) <= i)[None, :, None], h, 0).sum(1)
  mean = (said[:, None] + vectors[None]) / (i + 2)
  return jax.nn.log_softmax(mean @ classifier["kernel"] + classifier["bias"][None, None])


def kl(logits, other):
  """KL(p || q) of softmax distributions, nats [B]."""
  log_p = jax.nn.log_softmax(logits)
  return (jnp.exp(log_p) * (log_p - jax.nn.log_softmax(other))).sum(-1)


def gain(logits, unmoved, log_p, kl_weight):
  """sum_w p~(w) log_p(w) - kl_weight KL(p~ || p), nats [B], of p~ = softmax(logits [B, V])."""
  return (jax.nn.softmax(logits) * log_p).sum(-1) - kl_weight * kl(logits, unmoved)


def model(data, *, first: Model, at: str = "layer_1") -> Model:
  """The language model `first` of "tokens" [L], steered at the hook `at` by a classifier of words.

  Raises UserError for data without labels, and for a stage that is no language model.
  """
  classes = classes_of(data, first)
  field = data[TEXT]
  (L,) = field.shape
  conditionals = part(first, "conditionals")
  choose_from = head(field.num_values)

  def frozen_of(state):
    return state["frozen"]["first"]

  def states(frozen, tokens, hook):
    """What flows through a hook where sentences [B, L] are read, [B, L, W]."""
    _, found = reading(hook, lambda: conditionals(*frozen, tokens, {}))
    return found[0]

  def init(key, batch, frozen):
    h = states(frozen["first"], batch[TEXT], VECTORS)
    kernel = jnp.zeros((h.shape[-1], classes))
    return {"classifier": {"kernel": kernel, "bias": jnp.zeros(classes)}}, {"frozen": frozen}

  def loss(params, state, batch, key, train):
    """-log p(y | w_1 .. w_j), the mean over the places j, [B]."""
    h = states(frozen_of(state), batch[TEXT], VECTORS)
    log_p = log_labels(params["classifier"], h)
    own = jnp.take_along_axis(log_p, batch["label"][:, None, None], 2)[..., 0]
    accuracy = log_p[:, -1].argmax(-1) == batch["label"]
    return -own.mean(1), ({}, {"accuracy": accuracy.astype(jnp.float32)})

  def log_label(params, frozen, tokens, i, label):
    """log p(y | w_<i, w) of every word w, [B, V]."""
    vectors = first.parts["vectors"](*frozen)[: field.num_values]
    # What stands at place i of the network's inputs is word i - 1.
    log_p = log_next(params["classifier"], states(frozen, tokens, VECTORS), vectors, i)
    return jnp.take_along_axis(log_p, label[:, None, None], 2)[..., 0]

  def sample(
    params,
    state,
    key,
    n,
    given={},
    strength=1.0,
    steps=3,
    kl_weight=0.2,
    temperature=1.0,
    top_k=0,
    top_p=None,
  ):
    """Sentences in the style given["label"]; given["tokens"] are completed, as of `first`.

    `steps` of `strength` for every word; `kl_weight` times the KL holds them back.
    """
    frozen = frozen_of(state)
    x, keep = fixed_values(given, TEXT, n, (L,))
    h = states(frozen, x, at)
    choose = sampler(choose_from, temperature=temperature, top_k=top_k, top_p=top_p)

    def conditional(carry, x, i):
      def moved(delta):
        with edited({at: lambda h: h + delta}):
          return conditionals(*frozen, x, {})[:, i]

      unmoved = moved(jnp.zeros_like(h))
      log_p = log_label(params, frozen, x, i, given["label"])

      def objective(delta):
        return gain(moved(delta), unmoved, log_p, kl_weight)

      return moved(ascend(objective, jnp.zeros_like(h), steps, strength)), carry

    x, _ = ancestral(key, conditional, (), x, keep, choose)
    return {TEXT: x.astype(field.dtype)}

  def calls(steps=3, **options):
    return L * (3 + steps)

  return Model(init, loss, sample, given={"label": data["label"]}, calls=calls)
