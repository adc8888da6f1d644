"""VQ-VAE-2 (Razavi 2019, arXiv:1906.00446): two grids of codes, the coarse one first.

  h = bottom_encoder(x),    z_top = top_encoder(h),          top = nearest codes of z_top
  u = top_decoder(e_top),   z_bottom = to_bottom(h, u),      bottom = nearest codes of z_bottom
  out = decoder(u, e_bottom)
  loss = |v - v_hat|² / (D var v) + beta sum over grids of |z - sg(e)|² / D_z

The top grid has half the rows and columns of the bottom one: it says what is where, and the bottom
adds detail given it. Both codebooks are exponential moving averages, see vqvae.py. The prior is
`token_prior`, p(top) p(bottom | top).

Trained together, levels compete, and the larger grid can do without the other, which then says
little (Jukebox, Dhariwal 2020, arXiv:2005.00341, section 3.2, trains each level alone therefore).
An example loses its bottom codes with probability `drop`: the decoder has zeros in their place, and
the top has to say all that it can. `drop` is a schedule: both levels are fitted to each other when
it has come down to 0.

Departures: those of vqvae.py; `drop`; the top codes reach the decoder through the layers that
condition the bottom codes on them.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.tokens._grid import (
  Autoencoder,
  autoencoder,
  code_field,
  codebook_use,
  decoding,
  histogram,
  reconstruction_loss,
  vectors,
)
from genjax_zoo.models.tokens.vqvae import decoded, follow, quantization_loss, quantize
from genjax_zoo.nn.codebook import codes_of, start_codebook, straight_through
from genjax_zoo.nn.grid import GridDecoder, GridEncoder

LEVELS = "top", "bottom"


class Networks(NamedTuple):
  """Between the image and the bottom grid, and between the bottom grid and the top one."""

  ae: Autoencoder
  top_encoder: GridEncoder
  top_decoder: GridDecoder
  to_bottom: nn.Dense
  grids: dict[str, tuple[int, int]]


class Quantized(NamedTuple):
  """What a level's codebook makes of a batch."""

  z: jax.Array  # [B, h, w, D]
  numbers: jax.Array  # int32 [B, h, w]
  e: jax.Array  # The codes, [B, h, w, D].


def make_networks(
  data, network: str, widths: tuple[int, ...], features: int, blocks: int
) -> Networks:
  """The networks of both levels. Raises UserError where the bottom grid can't be halved."""
  width = widths[-1]
  ae = autoencoder(data, network, widths, 2 * features, blocks, outputs=width)
  rows, columns = ae.grid
  if rows % 2 or columns % 2:
    raise UserError(f"model.widths={widths}: the bottom grid {rows} x {columns} can't be halved")
  top_encoder = GridEncoder("conv", (width,), features, blocks)
  top_decoder = GridDecoder("conv", (width,), features, blocks)
  grids = {"top": (rows // 2, columns // 2), "bottom": ae.grid}
  return Networks(ae, top_encoder, top_decoder, nn.Dense(features), grids)


def initial_params(nets: Networks, key, batch, features: int) -> dict:
  """The parameters of all networks and of the decoder's distribution."""
  ae = nets.ae
  k_enc, k_dec, k_top, k_up, k_to = jax.random.split(key, 5)
  blank = lambda grid, depth: jnp.zeros((1, *grid, depth))
  width = ae.encoder.features
  top = blank(nets.grids["top"], features)
  return {
    "encoder": ae.encoder.init(k_enc, ae.observation.floats(batch))["params"],
    "decoder": ae.decoder.init(k_dec, blank(ae.grid, 2 * features))["params"],
    "top_encoder": nets.top_encoder.init(k_top, blank(ae.grid, width))["params"],
    "top_decoder": nets.top_decoder.init(k_up, top)["params"],
    "to_bottom": nets.to_bottom.init(k_to, blank(ae.grid, width + features))["params"],
    "observation": ae.observation.init(),
  }


def upsampled(nets: Networks, params, e_top):
  """The top codes on the bottom grid, [B, h, w, D]."""
  return nets.top_decoder.apply({"params": params["top_decoder"]}, e_top)


def quantized(nets: Networks, params, codes, batch) -> dict[str, Quantized]:
  """{level: Quantized}: the bottom is conditioned on the top's codes; `codes` {level: [K, D]}.

  Without codes, {}, vectors stay as they are.
  """

  def at(level, z):
    return Quantized(z, *quantize(codes[level], z)) if codes else Quantized(z, None, z)

  h = vectors(nets.ae, params, batch)
  top = at("top", nets.top_encoder.apply({"params": params["top_encoder"]}, h))
  u = upsampled(nets, params, straight_through(top.z, top.e))
  both = jnp.concatenate([h, u], -1)
  bottom = at("bottom", nets.to_bottom.apply({"params": params["to_bottom"]}, both))
  return {"top": top, "bottom": bottom}


def outputs(nets: Networks, params, e_top, e_bottom):
  """The decoder's outputs for the codes of both levels, [B, H, W, C]."""
  both = jnp.concatenate([upsampled(nets, params, e_top), e_bottom], -1)
  return decoded(nets.ae, params, both)


def model(
  data,
  *,
  network: str = "patch",
  widths: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  codes: int = 256,
  features: int = 16,
  beta: float = 0.25,
  decay: float = 0.98,
  restart: float = 0.1,
) -> Model:
  """A VQ-VAE of "image" with a top and a bottom grid, each of `codes` codes of `features` numbers.

  The bottom grid is the image halved len(widths) times. The schedule `drop` is 0 by default. Raises
  UserError for an unknown `network`, and for images that can't be halved once more.
  """
  nets = make_networks(data, network, widths, features, blocks)
  observation = nets.ae.observation

  def codes_by_level(state):
    return {level: codes_of(book) for level, book in state["books"].items()}

  def init(key, batch):
    k_net, *k_books = jax.random.split(key, 3)
    params = initial_params(nets, k_net, batch, features)
    found = quantized(nets, params, {}, batch)
    books = {level: start_codebook(k, found[level].z, codes) for level, k in zip(LEVELS, k_books)}
    return params, {"variance": observation.floats(batch).var(), "books": books}

  def forward(params, state, batch, key, kept=1.0):
    """(loss [B], {level: Quantized}, metrics); the bottom codes are multiplied by `kept`."""
    found = quantized(nets, params, codes_by_level(state), batch)
    top, bottom = (straight_through(found[k].z, found[k].e) for k in LEVELS)
    out = outputs(nets, params, top, kept * bottom)
    loss, metrics = reconstruction_loss(nets.ae, params, batch, out, state["variance"], key)
    for level, q in found.items():
      penalty, commitment = quantization_loss(q.z, q.e, beta, learned=False)
      loss += penalty
      metrics[f"{level}_commitment"] = commitment
    return loss, found, metrics

  def loss(params, state, batch, key, train, drop=0.0):
    k_out, *k_books = jax.random.split(key, 3)
    if not train:
      value, _, metrics = forward(params, state, batch, k_out)
      return value, ({}, metrics)
    k_drop = jax.random.fold_in(key, 1)
    kept = jax.random.bernoulli(k_drop, 1 - drop, (len(batch["image"]), 1, 1, 1))
    value, found, metrics = forward(params, state, batch, k_out, kept)
    books = {}
    for level, k_book in zip(LEVELS, k_books):
      z = jax.lax.stop_gradient(found[level].z)
      book = state["books"][level]
      books[level] = follow(book, z, found[level].numbers, k_book, decay, restart)
    return value, ({"books": books}, metrics)

  def evaluate(params, state, batch, key):
    value, found, metrics = forward(params, state, batch, key)
    counts = {f"{k}_histogram": histogram(found[k].numbers, codes) for k in LEVELS}
    return {"loss": value} | counts | metrics

  def encode(params, state, batch, key):
    found = quantized(nets, params, codes_by_level(state), batch)
    return {level: q.numbers for level, q in found.items()}

  def outputs_of(params, state, latents):
    vectors = codes_by_level(state)
    return outputs(nets, params, *(vectors[level][latents[level]] for level in LEVELS))

  decode, parts = decoding(observation, outputs_of)
  return Model(
    init,
    loss,
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    latents={level: code_field(nets.grids[level], codes) for level in LEVELS},
    summary=lambda rows: codebook_use(rows, LEVELS),
    parts=parts,
  )
