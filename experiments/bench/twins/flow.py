"""Glow of models/flows/glow.py with affine couplings."""

import math

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from experiments.bench.twins.layers import conv, flat, images, tensor


def squeeze(x):
  """[B, C, H, W] -> [B, 4 C, H / 2, W / 2], the channels in our order."""
  b, c, h, w = x.shape
  return (
    x.reshape(b, c, h // 2, 2, w // 2, 2)
    .permute(0, 3, 5, 1, 2, 4)
    .reshape(b, 4 * c, h // 2, w // 2)
  )


def unsqueeze(y):
  b, c, h, w = y.shape
  return y.reshape(b, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(b, c // 4, 2 * h, 2 * w)


def affine(params):
  """(s, shift) of what a network says, two numbers for each that is moved."""
  raw, shift = params[:, ::2], params[:, 1::2]
  return 2 * torch.tanh(raw / 2), shift


def network(p):
  a, b, c = (conv(p[f"Conv_{i}"]) for i in range(3))
  return nn.Sequential(a, nn.ReLU(), b, nn.ReLU(), c)


class Step(nn.Module):
  """Actnorm, an invertible 1 x 1 convolution and a coupling."""

  def __init__(self, p, rotation):
    super().__init__()
    self.shift, self.log_scale = tensor(p["norm"]["shift"]), tensor(p["norm"]["log_scale"])
    self.lower, self.upper, self.log_diagonal = (
      tensor(p["mix"][k]) for k in ("lower", "upper", "log_diagonal")
    )
    self.net = network(p["net"])
    self.register_buffer("rotation", torch.tensor(rotation))

  def matrix(self):
    eye = torch.eye(len(self.shift), device=self.shift.device)
    lower = torch.tril(self.lower, -1) + eye
    return self.rotation @ lower @ (torch.triu(self.upper, 1) + torch.diag(self.log_diagonal.exp()))

  def forward(self, x, log_det):
    scale = self.log_scale.exp()
    h = (x + self.shift[:, None, None]) * scale[:, None, None]
    kept, moved = F.conv2d(h, self.matrix().t()[:, :, None, None]).chunk(2, 1)
    s, shift = affine(self.net(kept))
    pixels = x.shape[2] * x.shape[3]
    log_det = (
      log_det + pixels * (self.log_scale.sum() + self.log_diagonal.sum()) + s.flatten(1).sum(1)
    )
    return torch.cat([kept, moved * s.exp() + shift], 1), log_det

  def back(self, y):
    kept, moved = y.chunk(2, 1)
    s, shift = affine(self.net(kept))
    h = torch.cat([kept, (moved - shift) * torch.exp(-s)], 1)
    h = F.conv2d(h, torch.linalg.inv(self.matrix()).t()[:, :, None, None])
    return h * torch.exp(-self.log_scale)[:, None, None] - self.shift[:, None, None]


class Glow(nn.Module):
  def __init__(self, params, *, size, gray, depth, alpha=0.05, **_):
    super().__init__()
    rng, self.gray, self.size, self.alpha = np.random.default_rng(0), gray, size, alpha
    self.steps, self.lasts = nn.ModuleList(), nn.ModuleList()
    for i, level in enumerate(params["levels"]):
      c = 2 ** (i + 2)
      rotations = np.linalg.qr(rng.normal(size=(depth, c, c)))[0].astype("f4")
      one = lambda tree, j: (
        {k: one(v, j) for k, v in tree.items()} if isinstance(tree, dict) else tree[j]
      )
      self.steps.append(
        nn.ModuleList([Step(one(level["steps"], j), rotations[j]) for j in range(depth)])
      )
      if "last" in level:
        self.lasts.append(conv(level["last"]["Conv_0"]))
    self.net = Inverse(self)

  def through(self, v):
    """(z [B, D], log_det [B]) of v in [0, 1)."""
    p = self.alpha / 2 + (1 - self.alpha) * v
    x = torch.log(p) - torch.log1p(-p)
    log_det = (math.log1p(-self.alpha) + F.softplus(x) + F.softplus(-x)).flatten(1).sum(1)
    zs = []
    for i, steps in enumerate(self.steps):
      x = squeeze(x)
      for step in steps:
        x, log_det = step(x, log_det)
      if i < len(self.lasts):
        done, x = x.chunk(2, 1)
        s, shift = affine(self.lasts[i](x))
        log_det = log_det + s.flatten(1).sum(1)
        zs.append(flat(done * s.exp() + shift))
    return torch.cat([*zs, flat(x)], 1), log_det

  def compared(self, image):
    return self.through((image + 0.5) / self.gray)[0]

  def loss(self, x):
    z, log_det = self.through((x + torch.rand(x.shape, device=x.device)) / self.gray)
    dim = z.shape[1]
    return (z**2).sum(1) / 2 + dim * (math.log(2 * math.pi) / 2 + math.log(self.gray)) - log_det

  def sample(self, n, net):
    z = torch.randn(n, self.size**2, device=next(self.parameters()).device)
    return torch.floor(net(z) * self.gray).clamp(0, self.gray - 1).to(torch.uint8)


class Inverse(nn.Module):
  """From z to v."""

  def __init__(self, flow):
    super().__init__()
    self.flow = [flow]  # In a list: it is not a child.

  def forward(self, z):
    (flow,) = self.flow
    parts, size, c = [], flow.size, 1
    for _ in flow.lasts:
      size, c = size // 2, 2 * c
      parts.append(images(z[:, : c * size**2], c, size))
      z = z[:, c * size**2 :]
    x = images(z, 4 * c, size // 2)
    for i in reversed(range(len(flow.steps))):
      if i < len(flow.lasts):
        s, shift = affine(flow.lasts[i](x))
        x = torch.cat([(parts[i] - shift) * torch.exp(-s), x], 1)
      for step in reversed(flow.steps[i]):
        x = step.back(x)
      x = unsqueeze(x)
    return (torch.sigmoid(x) - flow.alpha / 2) / (1 - flow.alpha)
