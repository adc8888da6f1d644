"""The WGAN with gradient penalty (models/gans/wgan.py), with dense networks."""

import torch
from torch import nn

from experiments.bench.twins.layers import mlp


class WGAN(nn.Module):
  def __init__(self, params, *, size, num_values, latent, n_critic, penalty=10.0, **_):
    super().__init__()
    self.latent = latent
    self.n_critic = n_critic
    self.penalty = penalty
    self.num_values = num_values
    gen = mlp(params["gen"]["layers_0"])
    self.net = nn.Sequential(gen, nn.Unflatten(1, (1, size, size)), nn.Tanh())
    self.critic = nn.Sequential(nn.Flatten(), mlp(params["critic"]["layers_1"]), nn.Flatten(0))

  def compared(self, z):
    return self.critic(self.net(z))

  def noise(self, x):
    return torch.randn(len(x), self.latent, device=x.device)

  def critic_loss(self, x):
    x = 2 * x.float() / (self.num_values - 1) - 1
    fake = self.net(self.noise(x)).detach()
    t = torch.rand(len(x), 1, 1, 1, device=x.device)
    between = (t * x + (1 - t) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
    norm = torch.sqrt((slope**2).flatten(1).sum(1) + 1e-12)
    return self.critic(fake) - self.critic(x) + self.penalty * (norm - 1) ** 2

  def gen_loss(self, x):
    return -self.critic(self.net(self.noise(x)))

  def sample(self, n, net):
    z = torch.randn(n, self.latent, device=next(self.parameters()).device)
    gray = (net(z) + 1) / 2 * (self.num_values - 1)
    return gray.round().to(torch.uint8)
