"""VQ-VAE (van den Oord 2017, arXiv:1711.00937): an image as a grid of discrete codes.

  z = encoder(x),   k = argmin_k |z - e_k|²,   out = decoder(z + sg(e_k - z))
  loss = |v - v_hat|² / (D var v) + beta |z - sg(e_k)|² / D_z   [+ |sg(z) - e_k|² / D_z]

sg stops the gradient: the decoder's gradient passes the quantization unchanged ("straight
through"). The codes e_k are exponential moving averages of the vectors that they stand for
(`codebook` "ema"), or parameters with the loss in brackets ("loss"). A code that has stood for less
than `restart` vectors a step starts anew at a vector that is badly quantized.

Stage one of two: a prior of the codes, `token_prior`, makes it a generative model. Given its
codes, an image has the distribution p(x | k) of the decoder, whose scale is fitted beside the loss;
log p(x) >= log p(k) + log p(x | k) at the codes of x.

Departures: the squared error is over the variance of the data, so that beta means the same for all
data; codes start at vectors of the first batch; dead codes restart. With averaged weights
(train.ema) the networks are averaged and the codebook, an average itself, is the last one. With
train.accumulate = n it moves by the mean over n parts, and what restarts does so at a mean of n
vectors: take restart = 0 there.
"""

import jax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._form import mean_of
from genjax_zoo.models.tokens._grid import (
  Autoencoder,
  autoencoder,
  code_field,
  codebook_use,
  decoding,
  histogram,
  initial_params,
  reconstruction_loss,
  vectors,
)
from genjax_zoo.nn.codebook import (
  codes_of,
  nearest_code,
  restart_dead,
  start_codebook,
  straight_through,
  update_codebook,
)

CODEBOOKS = "ema", "loss"


def quantize(codes, z):
  """(numbers int32 [...], their codes [..., D]) of vectors z [..., D]; codes [K, D]."""
  numbers = nearest_code(z, codes)
  return numbers, codes[numbers]


def quantization_loss(z, e, beta: float, learned: bool):
  """beta |z - sg(e)|² and, where the codes are `learned` by it, |sg(z) - e|²; means, [B]."""
  commitment = mean_of((z - jax.lax.stop_gradient(e)) ** 2)
  loss = beta * commitment
  if learned:
    loss += mean_of((jax.lax.stop_gradient(z) - e) ** 2)
  return loss, commitment


def follow(book, z, numbers, key, decay: float, restart: float):
  """The codebook after the vectors of a batch."""
  book = update_codebook(book, z, numbers, decay)
  return restart_dead(book, z, numbers, key, restart) if restart else book


def decoded(ae: Autoencoder, params, e):
  """The decoder's outputs for codes e [B, h, w, D]: logits of E[v | z], [B, H, W, C]."""
  return ae.decoder.apply({"params": params["decoder"]}, e)


def model(
  data,
  *,
  network: str = "patch",
  widths: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  codes: int = 512,
  features: int = 16,
  beta: float = 0.25,
  codebook: str = "ema",
  decay: float = 0.98,
  restart: float = 0.1,
) -> Model:
  """A VQ-VAE of "image" with `codes` codes of `features` numbers, for the networks of nn/grid.py.

  Raises UserError for an unknown `network` or `codebook`, and for images that can't be halved
  len(widths) times.
  """
  if codebook not in CODEBOOKS:
    raise UserError(f"model.codebook={codebook!r}; there are {' and '.join(CODEBOOKS)}")
  ema = codebook == "ema"
  ae = autoencoder(data, network, widths, features, blocks)

  def code_vectors(params, state):
    return codes_of(state["book"]) if ema else params["codes"]

  def init(key, batch):
    k_net, k_book = jax.random.split(key)
    params = initial_params(ae, k_net, batch, features)
    book = start_codebook(k_book, vectors(ae, params, batch), codes)
    state = {"variance": ae.observation.floats(batch).var()}
    if ema:
      return params, state | {"book": book}
    return params | {"codes": codes_of(book)}, state

  def forward(params, state, batch, key):
    """(loss [B], z, numbers, metrics)."""
    z = vectors(ae, params, batch)
    numbers, e = quantize(code_vectors(params, state), z)
    out = decoded(ae, params, straight_through(z, e))
    loss, metrics = reconstruction_loss(ae, params, batch, out, state["variance"], key)
    penalty, commitment = quantization_loss(z, e, beta, learned=not ema)
    return loss + penalty, z, numbers, metrics | {"commitment": commitment}

  def loss(params, state, batch, key, train):
    k_out, k_book = jax.random.split(key)
    value, z, numbers, metrics = forward(params, state, batch, k_out)
    changes = {}
    if train and ema:
      fixed = jax.lax.stop_gradient(z)
      changes["book"] = follow(state["book"], fixed, numbers, k_book, decay, restart)
    return value, (changes, metrics)

  def evaluate(params, state, batch, key):
    value, _, numbers, metrics = forward(params, state, batch, key)
    return {"loss": value, "codes_histogram": histogram(numbers, codes)} | metrics

  def encode(params, state, batch, key):
    numbers, _ = quantize(code_vectors(params, state), vectors(ae, params, batch))
    return {"codes": numbers}

  def outputs(params, state, latents):
    return decoded(ae, params, code_vectors(params, state)[latents["codes"]])

  decode, parts = decoding(ae.observation, outputs)
  return Model(
    init,
    loss,
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    latents={"codes": code_field(ae.grid, codes)},
    summary=codebook_use,
    parts=parts,
  )
