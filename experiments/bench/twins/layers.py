"""Layers of PyTorch with the weights of ours. Images are [B, C, H, W], channels last in memory."""

import itertools

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F


def tensor(x) -> nn.Parameter:
  """A parameter with the numbers of one of ours."""
  return nn.Parameter(torch.tensor(np.asarray(x)))


def dense(p) -> nn.Linear:
  """`nn.Dense`, or `nn.DenseGeneral` on the last axis: kernel [in, *out]."""
  kernel = np.asarray(p["kernel"])
  kernel = kernel.reshape(kernel.shape[0], -1)
  layer = nn.Linear(*kernel.shape, bias="bias" in p)
  layer.weight = tensor(kernel.T)
  if "bias" in p:
    layer.bias = tensor(p["bias"])
  return layer


def conv(p, stride: int = 1, padding=None) -> nn.Module:
  """`nn.Conv` [h, w, in, out] with padding "SAME" of images of even size, or (left, right, top,
  bottom).
  """
  kernel = np.asarray(p["kernel"]).transpose(3, 2, 0, 1)
  layer = nn.Conv2d(*kernel.shape[1::-1], kernel.shape[2:], stride)
  layer.weight, layer.bias = tensor(kernel), tensor(p["bias"])
  if padding is None:
    padding = [
      x for k in kernel.shape[:1:-1] for x in ((k - stride) // 2, k - stride - (k - stride) // 2)
    ]
  if padding[0] == padding[1] and padding[2] == padding[3]:
    layer.padding = (padding[2], padding[0])
    return layer
  return nn.Sequential(nn.ZeroPad2d(tuple(padding)), layer)


def conv_transpose(p) -> nn.ConvTranspose2d:
  """Our ConvTranspose of kernel 4 and stride 2; PyTorch's turns the kernel round."""
  kernel = np.asarray(p["kernel"])[::-1, ::-1].transpose(2, 3, 0, 1).copy()
  layer = nn.ConvTranspose2d(*kernel.shape[:2], 4, 2, 1)
  layer.weight, layer.bias = tensor(kernel), tensor(p["bias"])
  return layer


def mlp(p, activation=nn.ReLU) -> nn.Sequential:
  """`nn.mlp.MLP`."""
  layers = [dense(p[f"Dense_{i}"]) for i in range(len(p))]
  return nn.Sequential(
    *itertools.chain(*[(layer, activation()) for layer in layers[:-1]]), layers[-1]
  )


class GroupNorm(nn.Module):
  """`nn.norm.GroupNorm`."""

  def __init__(self, p):
    super().__init__()
    self.gain, self.bias = tensor(p["scale"]), tensor(p["bias"])
    self.groups = int(np.gcd(32, max(len(self.gain) // 4, 1)))

  def forward(self, x, scale=None, shift=None):
    y = F.group_norm(x, self.groups, self.gain, self.bias, 1e-5)
    return y if scale is None else y * (1 + scale[:, :, None, None]) + shift[:, :, None, None]


def attend(q, k, v, heads: int, causal: bool = False):
  """Attention of [B, T, E], split into heads, by PyTorch's fused kernel."""
  split = lambda x: x.unflatten(-1, (heads, -1)).transpose(1, 2)
  return (
    F.scaled_dot_product_attention(split(q), split(k), split(v), is_causal=causal)
    .transpose(1, 2)
    .flatten(2)
  )


def flat(x):
  """[B, C, H, W] as [B, H W C], our order."""
  return x.permute(0, 2, 3, 1).flatten(1)


def images(x, channels: int, height: int):
  """The reverse of `flat` for square images."""
  return x.unflatten(-1, (height, height, channels)).permute(0, 3, 1, 2)
