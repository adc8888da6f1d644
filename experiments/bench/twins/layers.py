"""PyTorch layers with our weights. Images are [B, C, H, W], with channels last in memory."""

import itertools

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F


def tensor(x) -> nn.Parameter:
  """A parameter with the values of one of ours."""
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
  """`nn.Conv` with kernel [h, w, in, out].

  `padding` is (left, right, top, bottom); None is "SAME" for images of even size.
  """
  kernel = np.asarray(p["kernel"]).transpose(3, 2, 0, 1)
  out_channels, in_channels, *size = kernel.shape
  layer = nn.Conv2d(in_channels, out_channels, size, stride)
  layer.weight = tensor(kernel)
  layer.bias = tensor(p["bias"])
  if padding is None:
    (top, bottom), (left, right) = (same_padding(k, stride) for k in size)
  else:
    left, right, top, bottom = padding
  if left == right and top == bottom:
    layer.padding = (top, left)
    return layer
  return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), layer)


def same_padding(kernel: int, stride: int) -> tuple[int, int]:
  """(before, after) of an axis for padding "SAME"."""
  before = (kernel - stride) // 2
  return before, kernel - stride - before


def conv_transpose(p) -> nn.ConvTranspose2d:
  """Our ConvTranspose of kernel 4 and stride 2; PyTorch flips the kernel."""
  kernel = np.asarray(p["kernel"])[::-1, ::-1].transpose(2, 3, 0, 1).copy()
  layer = nn.ConvTranspose2d(*kernel.shape[:2], 4, 2, 1)
  layer.weight = tensor(kernel)
  layer.bias = tensor(p["bias"])
  return layer


def mlp(p, activation=nn.ReLU) -> nn.Sequential:
  """`nn.mlp.MLP`."""
  *hidden, last = [dense(p[f"Dense_{i}"]) for i in range(len(p))]
  pairs = [(layer, activation()) for layer in hidden]
  return nn.Sequential(*itertools.chain(*pairs), last)


def layer_norm(p) -> nn.LayerNorm:
  """`nn.LayerNorm`."""
  layer = nn.LayerNorm(len(p["scale"]), eps=1e-6)
  layer.weight = tensor(p["scale"])
  layer.bias = tensor(p["bias"])
  return layer


class GroupNorm(nn.Module):
  """`nn.norm.GroupNorm`."""

  def __init__(self, p):
    super().__init__()
    self.gain = tensor(p["scale"])
    self.bias = tensor(p["bias"])
    self.groups = int(np.gcd(32, max(len(self.gain) // 4, 1)))

  def forward(self, x, scale=None, shift=None):
    y = F.group_norm(x, self.groups, self.gain, self.bias, 1e-5)
    if scale is None:
      return y
    return y * (1 + scale[:, :, None, None]) + shift[:, :, None, None]


def attend(q, k, v, heads: int, causal: bool = False):
  """Attention of [B, T, E], split into heads, by PyTorch's fused kernel."""
  q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
  out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
  return out.transpose(1, 2).flatten(2)


def flat(x):
  """[B, C, H, W] as [B, H W C], our order."""
  return x.permute(0, 2, 3, 1).flatten(1)


def images(x, channels: int, height: int):
  """The reverse of `flat` for square images."""
  return x.unflatten(-1, (height, height, channels)).permute(0, 3, 1, 2)
