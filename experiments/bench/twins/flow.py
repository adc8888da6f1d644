"""Glow (models/flows/glow.py) with affine couplings."""

import math

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from experiments.bench.twins.layers import conv, flat, images, tensor


def squeeze(x):
  """[B, C, H, W] -> [B, 4 C, H / 2, W / 2], the channels in our order."""
  B, C, H, W = x.shape
  blocks = x.reshape(B, C, H // 2, 2, W // 2, 2).permute(0, 3, 5, 1, 2, 4)
  return blocks.reshape(B, 4 * C, H // 2, W // 2)


def unsqueeze(y):
  """The reverse of `squeeze`."""
  B, C, H, W = y.shape
  blocks = y.reshape(B, 2, 2, C // 4, H, W).permute(0, 3, 4, 1, 5, 2)
  return blocks.reshape(B, C // 4, 2 * H, 2 * W)


def affine(outputs):
  """(log scale, shift) from a network's outputs, two for each transformed channel."""
  raw, shift = outputs[:, ::2], outputs[:, 1::2]
  return 2 * torch.tanh(raw / 2), shift


def network(p):
  a, b, c = (conv(p[f"Conv_{i}"]) for i in range(3))
  return nn.Sequential(a, nn.ReLU(), b, nn.ReLU(), c)


class Step(nn.Module):
  """Actnorm, an invertible 1 x 1 convolution and a coupling."""

  def __init__(self, p, rotation):
    super().__init__()
    self.shift = tensor(p["norm"]["shift"])
    self.log_scale = tensor(p["norm"]["log_scale"])
    self.lower = tensor(p["mix"]["lower"])
    self.upper = tensor(p["mix"]["upper"])
    self.log_diagonal = tensor(p["mix"]["log_diagonal"])
    self.net = network(p["net"])
    self.register_buffer("rotation", torch.tensor(rotation))

  def matrix(self):
    eye = torch.eye(len(self.shift), device=self.shift.device)
    lower = torch.tril(self.lower, -1) + eye
    upper = torch.triu(self.upper, 1) + torch.diag(self.log_diagonal.exp())
    return self.rotation @ lower @ upper

  def forward(self, x, log_det):
    h = (x + self.shift[:, None, None]) * self.log_scale.exp()[:, None, None]
    h = F.conv2d(h, self.matrix().t()[:, :, None, None])
    fixed, transformed = h.chunk(2, 1)
    log_s, shift = affine(self.net(fixed))
    pixels = x.shape[2] * x.shape[3]
    linear = pixels * (self.log_scale.sum() + self.log_diagonal.sum())
    log_det = log_det + linear + log_s.flatten(1).sum(1)
    return torch.cat([fixed, transformed * log_s.exp() + shift], 1), log_det

  def inverse(self, y):
    fixed, transformed = y.chunk(2, 1)
    log_s, shift = affine(self.net(fixed))
    h = torch.cat([fixed, (transformed - shift) * torch.exp(-log_s)], 1)
    h = F.conv2d(h, torch.linalg.inv(self.matrix()).t()[:, :, None, None])
    return h * torch.exp(-self.log_scale)[:, None, None] - self.shift[:, None, None]


def slice_tree(tree, i: int):
  """Entry i of every array of a tree of dicts."""
  if isinstance(tree, dict):
    return {k: slice_tree(v, i) for k, v in tree.items()}
  return tree[i]


class Glow(nn.Module):
  def __init__(self, params, *, size, num_values, depth, alpha=0.05, **_):
    super().__init__()
    self.size = size
    self.num_values = num_values
    self.alpha = alpha
    self.steps = nn.ModuleList()  # Of each scale.
    self.lasts = nn.ModuleList()  # What splits off at each scale but the last.
    rng = np.random.default_rng(0)
    for i, scale in enumerate(params["levels"]):
      channels = 2 ** (i + 2)
      rotations = np.linalg.qr(rng.normal(size=(depth, channels, channels)))[0].astype("f4")
      steps = [Step(slice_tree(scale["steps"], j), rotations[j]) for j in range(depth)]
      self.steps.append(nn.ModuleList(steps))
      if "last" in scale:
        self.lasts.append(conv(scale["last"]["Conv_0"]))
    self.net = Inverse(self)

  def encode(self, v):
    """(z [B, D], log_det [B]) of v in [0, 1)."""
    p = self.alpha / 2 + (1 - self.alpha) * v
    x = torch.log(p) - torch.log1p(-p)
    log_det = math.log1p(-self.alpha) + F.softplus(x) + F.softplus(-x)
    log_det = log_det.flatten(1).sum(1)
    zs = []
    for i, steps in enumerate(self.steps):
      x = squeeze(x)
      for step in steps:
        x, log_det = step(x, log_det)
      if i < len(self.lasts):
        split_off, x = x.chunk(2, 1)
        log_s, shift = affine(self.lasts[i](x))
        log_det = log_det + log_s.flatten(1).sum(1)
        zs.append(flat(split_off * log_s.exp() + shift))
    return torch.cat([*zs, flat(x)], 1), log_det

  def compared(self, image):
    z, _ = self.encode((image + 0.5) / self.num_values)
    return z

  def loss(self, x):
    v = (x + torch.rand(x.shape, device=x.device)) / self.num_values
    z, log_det = self.encode(v)
    constant = z.shape[1] * (math.log(2 * math.pi) / 2 + math.log(self.num_values))
    return (z**2).sum(1) / 2 + constant - log_det

  def sample(self, n, net):
    z = torch.randn(n, self.size**2, device=next(self.parameters()).device)
    x = torch.floor(net(z) * self.num_values)
    return x.clamp(0, self.num_values - 1).to(torch.uint8)


class Inverse(nn.Module):
  """From z to v."""

  def __init__(self, flow):
    super().__init__()
    self.flow = [flow]  # In a list it is not registered as a child.

  def forward(self, z):
    (flow,) = self.flow
    parts, size, channels = [], flow.size, 1
    for _ in flow.lasts:
      size, channels = size // 2, 2 * channels
      dim = channels * size**2
      parts.append(images(z[:, :dim], channels, size))
      z = z[:, dim:]
    x = images(z, 4 * channels, size // 2)
    for i in reversed(range(len(flow.steps))):
      if i < len(flow.lasts):
        log_s, shift = affine(flow.lasts[i](x))
        x = torch.cat([(parts[i] - shift) * torch.exp(-log_s), x], 1)
      for step in reversed(flow.steps[i]):
        x = step.inverse(x)
      x = unsqueeze(x)
    return (torch.sigmoid(x) - flow.alpha / 2) / (1 - flow.alpha)
