"""The VAE (models/latent_variable/vae.py), dense or convolutional."""

import torch
from torch import nn
import torch.nn.functional as F

from experiments.bench.twins.layers import conv, conv_transpose, dense, flat, images, mlp


class Encoder(nn.Module):
  def __init__(self, p):
    super().__init__()
    self.convs = nn.ModuleList([conv(p[f"Conv_{i}"], 2) for i in range(len(p) - 1)])
    self.dense = dense(p["Dense_0"])

  def forward(self, x):
    for layer in self.convs:
      x = F.relu(layer(x))
    return self.dense(flat(x))


class Decoder(nn.Module):
  def __init__(self, p, size: int):
    super().__init__()
    self.dense = dense(p["Dense_0"])
    self.convs = nn.ModuleList([conv_transpose(p[f"Conv_{i}"]) for i in range(len(p) - 1)])
    self.first_size = size // 2 ** len(self.convs)

  def forward(self, z):
    x = images(self.dense(z), self.convs[0].in_channels, self.first_size)
    for layer in self.convs:
      x = layer(F.relu(x))
    return x


class VAE(nn.Module):
  def __init__(self, params, *, size, network="mlp", **_):
    super().__init__()
    if network == "conv":
      self.encoder = Encoder(params["encoder"])
      self.net = Decoder(params["decoder"], size)
    else:
      decoder = mlp(params["decoder"]["layers_0"])
      self.encoder = nn.Sequential(nn.Flatten(), mlp(params["encoder"]["layers_1"]))
      self.net = nn.Sequential(decoder, nn.Unflatten(1, (1, size, size)))

  def compared(self, image):
    mean, _ = self.encoder(image.float()).chunk(2, -1)
    return torch.sigmoid(self.net(mean))

  def loss(self, x):
    x = x.float()
    mean, logvar = self.encoder(x).chunk(2, -1)
    z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
    cross_entropy = F.binary_cross_entropy_with_logits(self.net(z), x, reduction="none")
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(1)
    return cross_entropy.flatten(1).sum(1) + kl

  def sample(self, n, net):
    weight = next(self.net.parameters())
    z = torch.randn(n, weight.shape[1], device=weight.device)
    return torch.sigmoid(net(z)).round().to(torch.uint8)
