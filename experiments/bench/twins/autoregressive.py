"""The gated PixelCNN and the transformer over pixels, sampled by a plain loop: the whole network
for each pixel.
"""

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from experiments.bench.twins.layers import attend, conv, dense, flat, tensor


class Chain(nn.Module):
  """p(x) = prod_i p(x_i | x_1 .. x_{i-1}); `net` is from v [B, 1, H, W] to numbers [B, D, K]."""

  def __init__(self, net, size, gray):
    super().__init__()
    self.net, self.size, self.gray = net, size, gray

  def compared(self, image):
    return self.net(image / (self.gray - 1))

  def loss(self, x):
    numbers = self.net(x / (self.gray - 1))
    if self.gray == 2:
      nats = F.binary_cross_entropy_with_logits(numbers[..., 0], flat(x).float(), reduction="none")
    else:
      nats = F.cross_entropy(numbers.transpose(1, 2), flat(x).long(), reduction="none")
    return nats.sum(1)

  def sample(self, n, net):
    x = torch.zeros(n, 1, self.size, self.size, device=next(self.parameters()).device)
    for i in range(self.size**2):
      numbers = net(x / (self.gray - 1))[:, i]
      p = torch.sigmoid(numbers) if self.gray == 2 else torch.softmax(numbers, -1)
      drawn = torch.bernoulli(p) if self.gray == 2 else torch.multinomial(p, 1)
      x[:, 0, i // self.size, i % self.size] = drawn[:, 0].float()
    return x.to(torch.uint8)


def gate(x):
  a, b = x.chunk(2, 1)
  return torch.tanh(a) * torch.sigmoid(b)


class Gated(nn.Module):
  def __init__(self, p, layers: int):
    super().__init__()
    each = lambda make: nn.ModuleList([make(i) for i in range(layers)])

    def causal(p):
      """Zeros above and on both sides, or to the left: the kernel's last row is the present one."""
      h, w = p["kernel"].shape[:2]
      sides = (w // 2, w // 2) if h > 1 else (w - 1, 0)
      return conv(p, padding=(*sides, h - 1, 0))

    self.down = each(lambda i: causal(p[f"down_{i}"]))
    self.link = each(lambda i: conv(p[f"link_{i}"]))
    self.across = each(lambda i: causal(p[f"across_{i}"]))
    self.out = each(lambda i: conv(p[f"out_{i}"]))
    self.hidden, self.numbers = conv(p["readout"]["hidden"]), conv(p["readout"]["numbers"])
    mask = torch.ones(p["across_0"]["kernel"].shape[1])
    mask[-1] = 0  # The present pixel, in the first layer.
    self.register_buffer("mask", mask)

  def first(self, v):
    pad, layer = self.across[0]
    return F.conv2d(pad(v), layer.weight * self.mask, layer.bias)

  def forward(self, v):
    vertical, horizontal = F.pad(v, (0, 0, 1, 0))[:, :, :-1], v
    for i, (down, link, across, out) in enumerate(zip(self.down, self.link, self.across, self.out)):
      h = down(vertical)
      vertical = gate(h)
      more = out(gate((across(horizontal) if i else self.first(v)) + link(h)))
      horizontal = horizontal + more if i else more
    return self.numbers(F.relu(self.hidden(F.relu(horizontal)))).permute(0, 2, 3, 1).flatten(1, 2)


def gated_pixelcnn(params, *, size, gray, layers, **_):
  return Chain(Gated(params["net"], layers), size, gray)


class Block(nn.Module):
  def __init__(self, p, i: int, heads: int):
    super().__init__()
    self.heads, a = heads, p[f"Attention_{i}"]
    self.qkv = dense(join(a))
    self.out = dense(
      {
        "kernel": a["out"]["kernel"].reshape(-1, a["out"]["kernel"].shape[-1]),
        "bias": a["out"]["bias"],
      }
    )
    self.norms = nn.ModuleList([layer_norm(p[f"LayerNorm_{2 * i + j}"]) for j in range(2)])
    self.wide, self.back = dense(p[f"Dense_{2 * i + 1}"]), dense(p[f"Dense_{2 * i + 2}"])

  def forward(self, h):
    h = h + self.out(attend(*self.qkv(self.norms[0](h)).chunk(3, -1), self.heads, causal=True))
    return h + self.back(F.gelu(self.wide(self.norms[1](h)), approximate="tanh"))


def join(p) -> dict:
  """The matrices of queries, keys and values as one, which PyTorch's users write."""
  return {
    "kernel": np.concatenate(
      [np.asarray(p[k]["kernel"]).reshape(len(p[k]["kernel"]), -1) for k in "qkv"], 1
    )
  }


def layer_norm(p) -> nn.LayerNorm:
  layer = nn.LayerNorm(len(p["scale"]), eps=1e-6)
  layer.weight, layer.bias = tensor(p["scale"]), tensor(p["bias"])
  return layer


class Transformer(nn.Module):
  def __init__(self, p, size: int, layers: int, heads: int):
    super().__init__()
    self.token = dense(p["Dense_0"])
    self.row, self.column, self.channel = (tensor(p[f"Embed_{i}"]["embedding"]) for i in range(3))
    self.blocks = nn.ModuleList([Block(p, i, heads) for i in range(layers)])
    self.norm, self.numbers = (
      layer_norm(p[f"LayerNorm_{2 * layers}"]),
      dense(p[f"Dense_{2 * layers + 1}"]),
    )

  def forward(self, v):
    v = flat(v)
    tokens = F.pad(torch.stack([v, torch.ones_like(v)], -1), (0, 0, 1, 0))[:, :-1]
    places = (self.row[:, None] + self.column[None] + self.channel).flatten(0, 1)
    h = self.token(tokens) + places
    for block in self.blocks:
      h = block(h)
    return self.numbers(self.norm(h))


def pixel_transformer(params, *, size, gray, layers, heads, **_):
  return Chain(Transformer(params["net"], size, layers, heads), size, gray)
