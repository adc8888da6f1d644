"""DDPM (models/diffusion/ddpm.py): its U-Net and its transformer; the sampler is a Python loop."""

import itertools

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from experiments.bench.twins.layers import GroupNorm, attend, conv, dense, mlp


class Condition(nn.Module):
  """The embedding of the noise level log(sigma / alpha) [B]."""

  def __init__(self, p):
    super().__init__()
    self.mlp = mlp(p["MLP_0"], nn.SiLU)
    frequencies = np.geomspace(0.1, 10.0, 16)
    self.register_buffer("frequencies", torch.tensor(frequencies, dtype=torch.float32))

  def forward(self, noise):
    angles = noise[:, None] * self.frequencies
    return F.silu(self.mlp(torch.cat([angles.sin(), angles.cos()], -1)))


class Block(nn.Module):
  def __init__(self, p):
    super().__init__()
    self.norms = nn.ModuleList([GroupNorm(p[f"GroupNorm_{i}"]) for i in range(2)])
    self.convs = nn.ModuleList([conv(p[f"Conv_{i}"]) for i in range(2)])
    self.condition = dense(p["Dense_0"])
    self.skip = nn.Identity()
    if "Dense_1" in p:  # A dense layer over channels is a 1 x 1 convolution.
      kernel = p["Dense_1"]["kernel"][None, None]
      self.skip = conv({"kernel": kernel, "bias": p["Dense_1"]["bias"]})

  def forward(self, x, c):
    h = self.convs[0](F.silu(self.norms[0](x)))
    scale, shift = self.condition(c).chunk(2, -1)
    h = F.silu(self.norms[1](h, scale, shift))
    return self.convs[1](h) + self.skip(x)


class UNet(nn.Module):
  """One block per resolution on the way down and two on the way up, without attention."""

  def __init__(self, p, *, hidden, **_):
    super().__init__()
    n = len(hidden)
    self.condition = Condition(p["Condition_0"])
    self.down = nn.ModuleList([conv(p[f"Conv_{i}"], 1 if i == 0 else 2) for i in range(n)])
    self.blocks = nn.ModuleList([Block(p[f"Block_{i}"]) for i in range(3 * n + 1)])
    self.norm = GroupNorm(p["GroupNorm_0"])
    self.last = conv(p[f"Conv_{n}"])

  def forward(self, x, noise):
    c = self.condition(noise)
    blocks = iter(self.blocks)
    h, skips = x, []
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
    self.modulation = dense(p["Dense_0"])
    self.qkv = dense(p["Dense_1"])
    self.out = dense(p["Dense_2"])
    self.wide = dense(p["Dense_3"])
    self.back = dense(p["Dense_4"])

  def forward(self, h, c):
    scale_a, shift_a, gate_a, scale_m, shift_m, gate_m = self.modulation(c)[:, None].chunk(6, -1)
    q, k, v = self.qkv(modulated(h, scale_a, shift_a)).chunk(3, -1)
    h = h + gate_a * self.out(attend(q, k, v, self.heads))
    wide = F.gelu(self.wide(modulated(h, scale_m, shift_m)), approximate="tanh")
    return h + gate_m * self.back(wide)


def modulated(h, scale, shift):
  return F.layer_norm(h, h.shape[-1:], eps=1e-6) * (1 + scale) + shift


def positions(size: int, width: int) -> np.ndarray:
  """Sinusoids of row and column, [size², width]."""
  angles = np.arange(size)[:, None] * np.geomspace(0.1, 3.0, width // 4)[None]
  one = np.concatenate([np.sin(angles), np.cos(angles)], -1)
  rows, columns = np.broadcast_arrays(one[:, None], one[None])
  return np.concatenate([rows, columns], -1).reshape(size**2, width).astype("f4")


class DiT(nn.Module):
  def __init__(self, p, *, width, depth, size, patch, **_):
    super().__init__()
    self.patch = patch
    self.rows = size // patch
    self.condition = Condition(p["Condition_0"])
    self.first = dense(p["Dense_0"])
    self.blocks = nn.ModuleList()
    for i in range(depth):
      # Ours are stacked along the first axis.
      block = {k: {n: np.asarray(x)[i] for n, x in v.items()} for k, v in p["blocks"].items()}
      self.blocks.append(DiTBlock(block, max(width // 64, 1)))
    self.modulation = dense(p["Dense_1"])
    self.last = dense(p["Dense_2"])
    self.register_buffer("positions", torch.tensor(positions(self.rows, width)))

  def forward(self, x, noise):
    B, C = x.shape[:2]
    n, p = self.rows, self.patch
    patches = x.reshape(B, C, n, p, n, p).permute(0, 2, 4, 3, 5, 1).reshape(B, n * n, -1)
    c = self.condition(noise)
    h = self.first(patches) + self.positions
    for block in self.blocks:
      h = block(h, c)
    scale, shift = self.modulation(c)[:, None].chunk(2, -1)
    h = self.last(modulated(h, scale, shift))
    return h.reshape(B, n, n, p, p, C).permute(0, 5, 1, 3, 2, 4).reshape(x.shape)


NETWORKS = {"unet": UNet, "dit": DiT}


class Diffusion(nn.Module):
  """Predicts eps; `net` maps (x, log(sigma / alpha)) to it. The cosine schedule of T steps."""

  def __init__(self, params, *, size, channels, num_values, T, steps, network, **_):
    super().__init__()
    options = dict(network)
    make = NETWORKS[options.pop("name")]
    self.net = make(params["net"]["body"], size=size, **options)
    self.shape = channels, size, size
    self.num_values = num_values
    self.T = T
    self.steps = steps
    f = np.cos(np.pi / 2 * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
    beta = np.minimum(1 - f[1:] / f[:-1], 0.999)
    log_abar = np.concatenate([[0], np.cumsum(np.log1p(-beta))])
    alpha, sigma = np.exp(log_abar / 2), np.sqrt(-np.expm1(log_abar))
    self.register_buffer("alpha", torch.tensor(alpha, dtype=torch.float32))
    self.register_buffer("sigma", torch.tensor(sigma, dtype=torch.float32))

  def compared(self, x, noise):
    return self.net(x, noise)

  def loss(self, x):
    x = 2 * x.float() / (self.num_values - 1) - 1
    t = torch.randint(1, self.T + 1, (len(x),), device=x.device)
    alpha, sigma = self.alpha[t], self.sigma[t]
    eps = torch.randn_like(x)
    x_t = alpha[:, None, None, None] * x + sigma[:, None, None, None] * eps
    return ((self.net(x_t, torch.log(sigma / alpha)) - eps) ** 2).flatten(1).mean(1)

  def sample(self, n, net):
    """The ancestral sampler with the smaller variance; x0_hat is clipped."""
    path = self.T * np.arange(self.steps, -1, -1) / self.steps
    path = np.rint(path).astype(int).tolist()
    x = torch.randn(n, *self.shape, device=self.alpha.device)
    x = x.contiguous(memory_format=torch.channels_last)
    for t, s in itertools.pairwise(path):
      alpha, sigma = self.alpha[t], self.sigma[t]
      eps = net(x, torch.log(sigma / alpha).expand(n))
      x0 = ((x - sigma * eps) / alpha).clamp(-1, 1)
      ratio = alpha / self.alpha[s]
      variance = sigma**2 - (ratio * self.sigma[s]) ** 2
      x_weight = ratio * (self.sigma[s] / sigma) ** 2
      x = x_weight * x + self.alpha[s] * variance / sigma**2 * x0
      if s:
        x = x + torch.sqrt(variance) * self.sigma[s] / sigma * torch.randn_like(x)
    return ((x.clamp(-1, 1) + 1) / 2 * (self.num_values - 1)).round().to(torch.uint8)
