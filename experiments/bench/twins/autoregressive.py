"""The gated PixelCNN and the pixel transformer; sampling runs the whole network per pixel."""

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from experiments.bench.twins.layers import attend, conv, dense, flat, layer_norm, tensor


class Chain(nn.Module):
  """p(x) = prod_i p(x_i | x_1 .. x_{i-1}); `net` maps v [B, 1, H, W] to logits [B, D, K]."""

  def __init__(self, net, size, num_values):
    super().__init__()
    self.net = net
    self.size = size
    self.num_values = num_values

  def compared(self, image):
    return self.net(image / (self.num_values - 1))

  def loss(self, x):
    logits = self.net(x / (self.num_values - 1))
    x = flat(x)
    if self.num_values == 2:
      cross_entropy = F.binary_cross_entropy_with_logits
      nats = cross_entropy(logits[..., 0], x.float(), reduction="none")
    else:
      nats = F.cross_entropy(logits.transpose(1, 2), x.long(), reduction="none")
    return nats.sum(1)

  def sample(self, n, net):
    device = next(self.parameters()).device
    x = torch.zeros(n, 1, self.size, self.size, device=device)
    for i in range(self.size**2):
      logits = net(x / (self.num_values - 1))[:, i]
      if self.num_values == 2:
        pixel = torch.bernoulli(torch.sigmoid(logits))
      else:
        pixel = torch.multinomial(torch.softmax(logits, -1), 1)
      x[:, 0, i // self.size, i % self.size] = pixel[:, 0].float()
    return x.to(torch.uint8)


def gate(x):
  a, b = x.chunk(2, 1)
  return torch.tanh(a) * torch.sigmoid(b)


def causal_conv(p):
  """Zeros above and on both sides, or to the left: the kernel's last row is the present one."""
  h, w = p["kernel"].shape[:2]
  left, right = (w // 2, w // 2) if h > 1 else (w - 1, 0)
  return conv(p, padding=(left, right, h - 1, 0))


class Gated(nn.Module):
  def __init__(self, p, layers: int):
    super().__init__()
    each = lambda make, name: nn.ModuleList([make(p[f"{name}_{i}"]) for i in range(layers)])
    self.down = each(causal_conv, "down")
    self.link = each(conv, "link")
    self.across = each(causal_conv, "across")
    self.out = each(conv, "out")
    self.hidden = conv(p["readout"]["hidden"])
    self.logits = conv(p["readout"]["numbers"])
    mask = torch.ones(p["across_0"]["kernel"].shape[1])
    mask[-1] = 0  # The first layer must not see the present pixel.
    self.register_buffer("mask", mask)

  def first(self, v):
    pad, layer = self.across[0]
    return F.conv2d(pad(v), layer.weight * self.mask, layer.bias)

  def forward(self, v):
    vertical = F.pad(v, (0, 0, 1, 0))[:, :, :-1]
    horizontal = v
    for i, (down, link, across, out) in enumerate(zip(self.down, self.link, self.across, self.out)):
      h = down(vertical)
      vertical = gate(h)
      row = across(horizontal) if i else self.first(v)
      more = out(gate(row + link(h)))
      horizontal = horizontal + more if i else more
    h = F.relu(self.hidden(F.relu(horizontal)))
    return self.logits(h).permute(0, 2, 3, 1).flatten(1, 2)


def gated_pixelcnn(params, *, size, num_values, layers, **_):
  return Chain(Gated(params["net"], layers), size, num_values)


class Block(nn.Module):
  def __init__(self, p, i: int, heads: int):
    super().__init__()
    self.heads = heads
    attention = p[f"Attention_{i}"]
    self.qkv = dense(join_qkv(attention))
    self.out = dense(join_heads(attention["out"]))
    self.norms = nn.ModuleList([layer_norm(p[f"LayerNorm_{2 * i + j}"]) for j in range(2)])
    self.wide = dense(p[f"Dense_{2 * i + 1}"])
    self.back = dense(p[f"Dense_{2 * i + 2}"])

  def forward(self, h):
    q, k, v = self.qkv(self.norms[0](h)).chunk(3, -1)
    h = h + self.out(attend(q, k, v, self.heads, causal=True))
    return h + self.back(F.gelu(self.wide(self.norms[1](h)), approximate="tanh"))


def join_qkv(p) -> dict:
  """The kernels of queries, keys and values as one, as PyTorch's users write it."""
  kernels = [np.asarray(p[k]["kernel"]) for k in "qkv"]
  return {"kernel": np.concatenate([x.reshape(len(x), -1) for x in kernels], 1)}


def join_heads(p) -> dict:
  """A layer on [heads, E / heads] as one on [E]."""
  kernel = np.asarray(p["kernel"])
  return {"kernel": kernel.reshape(-1, kernel.shape[-1]), "bias": p["bias"]}


class Transformer(nn.Module):
  def __init__(self, p, layers: int, heads: int):
    super().__init__()
    self.token = dense(p["Dense_0"])
    self.row, self.column, self.channel = (tensor(p[f"Embed_{i}"]["embedding"]) for i in range(3))
    self.blocks = nn.ModuleList([Block(p, i, heads) for i in range(layers)])
    self.norm = layer_norm(p[f"LayerNorm_{2 * layers}"])
    self.logits = dense(p[f"Dense_{2 * layers + 1}"])

  def forward(self, v):
    v = flat(v)
    # A token is the pixel before, and whether there is one.
    tokens = torch.stack([v, torch.ones_like(v)], -1)
    tokens = F.pad(tokens, (0, 0, 1, 0))[:, :-1]
    position = (self.row[:, None] + self.column[None] + self.channel).flatten(0, 1)
    h = self.token(tokens) + position
    for block in self.blocks:
      h = block(h)
    return self.logits(self.norm(h))


def pixel_transformer(params, *, size, num_values, layers, heads, **_):
  return Chain(Transformer(params["net"], layers, heads), size, num_values)
