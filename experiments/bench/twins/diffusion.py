"""Denoising diffusion of models/diffusion/ddpm.py: its U-Net and its transformer, and the sampler
as a Python loop.
"""

import itertools

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from experiments.bench.twins.layers import GroupNorm, attend, conv, dense, mlp


class Condition(nn.Module):
  def __init__(self, p):
    super().__init__()
    self.mlp = mlp(p["MLP_0"], nn.SiLU)
    self.register_buffer(
      "frequencies", torch.tensor(np.geomspace(0.1, 10.0, 16), dtype=torch.float32)
    )

  def forward(self, noise):
    angles = noise[:, None] * self.frequencies
    return F.silu(self.mlp(torch.cat([angles.sin(), angles.cos()], -1)))


class Block(nn.Module):
  def __init__(self, p):
    super().__init__()
    self.norms = nn.ModuleList([GroupNorm(p[f"GroupNorm_{i}"]) for i in range(2)])
    self.convs = nn.ModuleList([conv(p[f"Conv_{i}"]) for i in range(2)])
    self.condition = dense(p["Dense_0"])
    one = lambda p: conv({"kernel": p["kernel"][None, None], "bias": p["bias"]})
    self.skip = one(p["Dense_1"]) if "Dense_1" in p else nn.Identity()

  def forward(self, x, c):
    h = self.convs[0](F.silu(self.norms[0](x)))
    h = F.silu(self.norms[1](h, *self.condition(c).chunk(2, -1)))
    return self.convs[1](h) + self.skip(x)


class UNet(nn.Module):
  """One block a resolution on the way down and two on the way up, without attention."""

  def __init__(self, p, hidden, **_):
    super().__init__()
    self.condition, n = Condition(p["Condition_0"]), len(hidden)
    self.down = nn.ModuleList([conv(p[f"Conv_{i}"], 1 if i == 0 else 2) for i in range(n)])
    self.blocks = nn.ModuleList([Block(p[f"Block_{i}"]) for i in range(3 * n + 1)])
    self.norm, self.last = GroupNorm(p["GroupNorm_0"]), conv(p[f"Conv_{n}"])

  def forward(self, x, noise):
    c, blocks, h, skips = self.condition(noise), iter(self.blocks), x, []
    for down in self.down:
      h = down(h)
      skips.append(h)
      h = next(blocks)(h, c)
      skips.append(h)
    h = next(blocks)(h, c)
    for i in reversed(range(len(self.down))):
      for _ in range(2):
        h = next(blocks)(torch.cat([h, skips.pop()], 1), c)
      if i:
        h = F.interpolate(h, scale_factor=2, mode="nearest")
    return self.last(F.silu(self.norm(h)))


class DiTBlock(nn.Module):
  def __init__(self, p, heads: int):
    super().__init__()
    self.heads = heads
    self.modulation, self.qkv, self.out, self.wide, self.back = (
      dense(p[f"Dense_{i}"]) for i in range(5)
    )

  def forward(self, h, c):
    scale_a, shift_a, gate_a, scale_m, shift_m, gate_m = self.modulation(c)[:, None].chunk(6, -1)
    q, k, v = self.qkv(modulated(h, scale_a, shift_a)).chunk(3, -1)
    h = h + gate_a * self.out(attend(q, k, v, self.heads))
    return h + gate_m * self.back(
      F.gelu(self.wide(modulated(h, scale_m, shift_m)), approximate="tanh")
    )


def modulated(h, scale, shift):
  return F.layer_norm(h, h.shape[-1:], eps=1e-6) * (1 + scale) + shift


def places(size: int, width: int) -> np.ndarray:
  """Sinusoids of row and column, [size², width]."""
  angles = np.arange(size)[:, None] * np.geomspace(0.01, 1.0, width // 4)[None]
  one = np.concatenate([np.sin(angles), np.cos(angles)], -1)
  grid = np.broadcast_arrays(one[:, None], one[None])
  return np.concatenate(grid, -1).reshape(size**2, width).astype("f4")


class DiT(nn.Module):
  def __init__(self, p, hidden, *, size, patch, **_):
    super().__init__()
    width, self.patch, self.rows = hidden[0], patch, size // patch
    self.condition, self.first = Condition(p["Condition_0"]), dense(p["Dense_0"])
    blocks = p["blocks"]
    one = lambda i: {k: {n: np.asarray(x)[i] for n, x in v.items()} for k, v in blocks.items()}
    self.blocks = nn.ModuleList([DiTBlock(one(i), max(width // 64, 1)) for i in range(len(hidden))])
    self.modulation, self.last = dense(p["Dense_1"]), dense(p["Dense_2"])
    self.register_buffer("places", torch.tensor(places(self.rows, width)))

  def forward(self, x, noise):
    b, channels, p, n = *x.shape[:2], self.patch, self.rows
    patches = x.reshape(b, channels, n, p, n, p).permute(0, 2, 4, 3, 5, 1).reshape(b, n * n, -1)
    c, h = self.condition(noise), self.first(patches) + self.places
    for block in self.blocks:
      h = block(h, c)
    h = self.last(modulated(h, *self.modulation(c)[:, None].chunk(2, -1)))
    return h.reshape(b, n, n, p, p, channels).permute(0, 5, 1, 3, 2, 4).reshape(x.shape)


class Diffusion(nn.Module):
  """Predicts eps; `net` is from (x, log(sigma / alpha)) to it. Cosine schedule of T steps."""

  def __init__(self, params, *, size, gray, hidden, T, steps, network="unet", **options):
    super().__init__()
    make = {"unet": UNet, "dit": DiT}[network]
    self.net = make(params["net"]["body"], hidden, size=size, **options)
    self.shape, self.gray, self.T, self.steps = (
      (options.get("channels", 1), size, size),
      gray,
      T,
      steps,
    )
    f = np.cos(np.pi / 2 * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
    log_abar = np.concatenate([[0], np.cumsum(np.log1p(-np.minimum(1 - f[1:] / f[:-1], 0.999)))])
    self.register_buffer("alpha", torch.tensor(np.exp(log_abar / 2), dtype=torch.float32))
    self.register_buffer("sigma", torch.tensor(np.sqrt(-np.expm1(log_abar)), dtype=torch.float32))

  def compared(self, x, noise):
    return self.net(x, noise)

  def loss(self, x):
    x = 2 * x.float() / (self.gray - 1) - 1
    t = torch.randint(1, self.T + 1, (len(x),), device=x.device)
    alpha, sigma, eps = self.alpha[t], self.sigma[t], torch.randn_like(x)
    noisy = alpha[:, None, None, None] * x + sigma[:, None, None, None] * eps
    return ((self.net(noisy, torch.log(sigma / alpha)) - eps) ** 2).flatten(1).mean(1)

  def sample(self, n, net):
    """The ancestral sampler with the smaller variance, x0_hat clipped."""
    along = np.rint(self.T * np.arange(self.steps, -1, -1) / self.steps).astype(int).tolist()
    x = torch.randn(n, *self.shape, device=self.alpha.device).contiguous(
      memory_format=torch.channels_last
    )
    for t, s in itertools.pairwise(along):
      alpha, sigma, a, b = self.alpha[t], self.sigma[t], self.alpha[s], self.sigma[s]
      x0 = ((x - sigma * net(x, torch.log(sigma / alpha).expand(n))) / alpha).clamp(-1, 1)
      ratio = alpha / a
      large = sigma**2 - (ratio * b) ** 2
      x = ratio * (b / sigma) ** 2 * x + a * large / sigma**2 * x0
      if s:
        x = x + torch.sqrt(large) * b / sigma * torch.randn_like(x)
    return ((x.clamp(-1, 1) + 1) / 2 * (self.gray - 1)).round().to(torch.uint8)
