"""How fast this project is beside the packages that a user would pick instead:

  python -m experiments.bench --peers [--workloads=zuko,pythae] [--workdir=docs]

Each of `PEERS` is a package's own model, trained as its examples do it: a shuffled DataLoader, its
loss, Adam, from the loader to the updated weights; and its own sampler. Ours is the model of the
same kind, of the same sizes, data and batch, as the loop trains it. The models are no twins, and
their parameters are counted beside. Each package runs with one thread and with all; a ratio is
ours over its best. Writes peers.json: that of docs/ is the table of docs/speed.md, by
`python -m experiments.table`. Needs pip install -e '.[peers]'.
"""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
import time
from typing import NamedTuple

import jax
import numpy as np

from experiments.bench import measure, ours
from experiments.bench.measure import Contender
from experiments.bench.workloads import Workload, unet
from genjax_zoo.core import UserError
from genjax_zoo.evaluate import device_name, parameters
from genjax_zoo.log import read_json, write_json
from genjax_zoo.sharding import cores, jit, processor

RATE = 1e-3


class Theirs(NamedTuple):
  """A package's model."""

  module: object  # torch.nn.Module.
  loss: Callable  # Examples [B, ...] -> [].
  sample: Callable  # n -> tensors [n, ...].
  log_prob: Callable | None = None  # Examples -> [B].


class Peer(NamedTuple):
  """A package, our workload, and what its README would have one write: (workload) -> Theirs."""

  package: str
  workload: Workload
  construct: Callable


def zuko_flow(w: Workload) -> Theirs:
  """A neural spline flow, autoregressive as is zuko's default."""
  import zuko

  m = w.model
  flow = zuko.flows.NSF(
    w.vector, transforms=m["depth"], hidden_features=m["hidden"], bins=m["bins"]
  )
  log_prob = lambda x: flow().log_prob(x)
  return Theirs(flow, lambda x: -log_prob(x).mean(), lambda n: flow().sample((n,)), log_prob)


def normflows_flow(w: Workload) -> Theirs:
  """A RealNVP of affine couplings and permutations."""
  import normflows
  import torch

  layers = []
  for _ in range(w.model["depth"]):
    net = normflows.nets.MLP([1, *w.model["hidden"], 2], init_zeros=True)
    layers.append(normflows.flows.AffineCouplingBlock(net))
    layers.append(normflows.flows.Permute(2, mode="swap"))
  flow = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(2), layers)
  flow = flow.to(torch.float32)
  return Theirs(flow, flow.forward_kld, lambda n: flow.sample(n)[0], flow.log_prob)


def pythae_vae(w: Workload) -> Theirs:
  """The VAE with pythae's own perceptrons, of 512 units; its samples are E[x | z], as then ours."""
  from pythae.models import VAE, VAEConfig
  from pythae.samplers import NormalSampler

  shape = w.channels, w.size, w.size
  config = VAEConfig(input_dim=shape, latent_dim=w.model["latent"], reconstruction_loss="bce")
  vae = VAE(config)
  draw = lambda n: NormalSampler(vae).sample(num_samples=n, batch_size=n)
  return Theirs(vae, lambda x: vae({"data": x}).loss, draw)


def diffusers_unet(w: Workload) -> Theirs:
  """diffusers' U-Net of blocks without attention, its noise schedule, and DDIM."""
  from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
  import torch

  widths = w.model["network"]["hidden"]
  net = UNet2DModel(
    sample_size=w.size, in_channels=w.channels, out_channels=w.channels, layers_per_block=1,
    block_out_channels=widths, down_block_types=("DownBlock2D",) * len(widths),
    up_block_types=("UpBlock2D",) * len(widths), norm_num_groups=8, add_attention=False,
  )  # fmt: skip
  noises = DDPMScheduler(w.model["T"], beta_schedule="squaredcos_cap_v2")
  ddim = DDIMScheduler(w.model["T"], beta_schedule="squaredcos_cap_v2")

  def loss(x):
    noise = torch.randn_like(x)
    t = torch.randint(0, w.model["T"], (len(x),))
    predicted = net(noises.add_noise(x, noise, t), t).sample
    return torch.nn.functional.mse_loss(predicted, noise)

  def sample(n):
    x = torch.randn(n, w.channels, w.size, w.size)
    ddim.set_timesteps(w.sample["steps"])
    for t in ddim.timesteps:
      x = ddim.step(net(x, t).sample, t, x).prev_sample
    return x

  return Theirs(net, loss, sample)


def torchcfm_flow(w: Workload) -> Theirs:
  """Conditional flow matching with torchcfm's perceptron, and Euler's steps."""
  import torch
  from torchcfm.conditional_flow_matching import ConditionalFlowMatcher
  from torchcfm.models import MLP

  net = MLP(dim=w.vector, w=160, time_varying=True)  # As many parameters as ours.
  matcher = ConditionalFlowMatcher(sigma=0.0)

  def loss(x):
    t, x_t, velocity = matcher.sample_location_and_conditional_flow(torch.randn_like(x), x)
    return ((net(torch.cat([x_t, t[:, None]], -1)) - velocity) ** 2).mean()

  def sample(n):
    steps = w.sample["steps"]
    x = torch.randn(n, w.vector)
    for i in range(steps):
      x = x + net(torch.cat([x, torch.full((n, 1), i / steps)], -1)) / steps
    return x

  return Theirs(net, loss, sample)


def of_vectors(name: str, model: dict, **options) -> Workload:
  """A workload of points in the plane."""
  return Workload(name, model, vector=2, batch=256, steps=100, samples=1000, **options)


IMAGES = dict(size=16, num_values=256, steps=10)
PEERS = [
  Peer(
    "zuko",
    of_vectors("spline_flow", dict(name="spline_flow", depth=4, hidden=(64, 64), bins=8)),
    zuko_flow,
  ),
  Peer(
    "normflows",
    of_vectors("realnvp", dict(name="realnvp", depth=8, hidden=(64, 64))),
    normflows_flow,
  ),
  Peer(
    "torchcfm",
    of_vectors(
      "flow_matching",
      dict(name="flow_matching", network=dict(name="mlp", hidden=(64, 64, 64))),
      sample=dict(steps=50),
    ),
    torchcfm_flow,
  ),
  Peer(
    "pythae",
    Workload(
      "vae",
      dict(name="vae", hidden=(512,), latent=16),
      batch=100,
      samples=1000,
      sample=dict(noise=False),
    ),
    pythae_vae,
  ),
  Peer(
    "diffusers",
    Workload("ddpm", unet(hidden=(32, 64)), sample=dict(sampler="ddim", steps=20), **IMAGES),
    diffusers_unet,
  ),
]


def tensors(w: Workload):
  """The examples of our data set as a package takes them: floats, channels first."""
  import torch

  x = next(iter(ours.dataset(w).splits["train"].values())).astype("f4")
  x = torch.from_numpy(x)
  return x if w.vector else x.permute(0, 3, 1, 2).contiguous() / (w.num_values - 1)


def training(theirs: Theirs, x, batch: int, threads: int) -> Contender:
  """A contender of steps, from the loader to the updated weights."""
  import torch
  from torch.utils.data import DataLoader, TensorDataset

  loader = DataLoader(TensorDataset(x), batch, shuffle=True, drop_last=True)
  optimizer = torch.optim.Adam(theirs.module.parameters(), RATE)

  def batches():
    while True:
      yield from loader

  endless = batches()

  def run(calls):
    torch.set_num_threads(threads)
    theirs.module.train()
    for _ in range(calls):
      (examples,) = next(endless)
      optimizer.zero_grad()
      theirs.loss(examples).backward()
      optimizer.step()

  return Contender(run, batch)


def without_gradients(f: Callable, module, examples: int, threads: int) -> Contender:
  """A contender that calls f() and takes the results as NumPy arrays."""
  import torch

  def run(calls):
    torch.set_num_threads(threads)
    module.eval()
    for _ in range(calls):
      with torch.no_grad():
        f().cpu().numpy()

  return Contender(run, examples)


def our_log_prob(w: Workload, params, x) -> Contender:
  """log p of the examples by our model, as NumPy arrays."""
  model = ours.learner(w).model
  f = jit(lambda params, x, key: model.log_prob(params, {}, {"x": x}, key))

  def run(calls):
    for i in range(calls):
      np.asarray(f(params, x, jax.random.key(i)))

  return Contender(run, len(x))


def compare(peer: Peer, seconds: float, rounds: int) -> dict:
  """Examples a second of training, sampling and, of flows, log p; ratios; parameters."""
  try:
    theirs = peer.construct(peer.workload)
  except ImportError as e:
    raise UserError(f"{e}: pip install -e '.[peers]' has the packages") from e
  w = peer.workload
  params = ours.some_params(w)
  x = tensors(w)
  begun = time.perf_counter()
  training(theirs, x, w.batch, 1).run(1)
  first_step = {peer.package: time.perf_counter() - begun}
  contender, first_step["ours"], _ = ours.training(w, w.steps)
  tasks = {"training": {"ours": contender}, "sampling": {"ours": ours.sampling(w, params)}}
  if theirs.log_prob:
    tasks["log_prob"] = {"ours": our_log_prob(w, params, np.asarray(x[: w.samples]))}
  for threads in sorted({1, cores()}):  # Small networks are often faster with one.
    name = f"{peer.package}, {threads} threads"
    of = lambda f: without_gradients(f, theirs.module, w.samples, threads)
    tasks["training"][name] = training(theirs, x, w.batch, threads)
    tasks["sampling"][name] = of(lambda: theirs.sample(w.samples))
    if theirs.log_prob:
      tasks["log_prob"][name] = of(lambda: theirs.log_prob(x[: w.samples]))
  found = {task: measure.rates(runs, seconds, rounds) for task, runs in tasks.items()}
  counts = {"ours": parameters(params), peer.package: count(theirs.module)}
  ratios = {f"{task}_ratio": measure.ratio(rates) for task, rates in found.items()}
  return found | ratios | {"parameters": counts, "first_step": first_step}


def count(module) -> int:
  """Trained numbers of a torch.nn.Module."""
  return sum(p.numel() for p in module.parameters() if p.requires_grad)


def table(measured: dict) -> str:
  """Markdown of what `bench` writes: a row a package, and where it was measured."""
  tasks = "training", "sampling", "log_prob"
  head = ["package", "model", "training", "sampling", "log p", "its parameters", "ours"]
  rows = [head, ["---"] * 2 + ["--:"] * 5]
  for package, of in measured["peers"].items():
    ratios = [f"{of[f'{task}_ratio']:.2f}" if task in of else "" for task in tasks]
    counts = [f"{of['parameters'][k]:,}" for k in (package, "ours")]
    rows.append([f"{package} {of['version']}", of["model"], *ratios, *counts])
  lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
  versions = ", ".join(f"{name} {version}" for name, version in measured["versions"].items())
  on = measured["machine"]
  return f"{lines}\nOn {on['device']}: {on['processor']}, {on['cores']} of its cores; {versions}.\n"


def bench(names, folder: Path, seconds: float, rounds: int):
  """Compares packages by name, prints the table and writes peers.json."""
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / "peers.json"
  found = read_json(path, {"peers": {}})["peers"]  # Those of earlier commands stay.
  measured = {
    "machine": {"device": device_name()} | processor(),
    "versions": {name: version(name) for name in ("jax", "torch")},
    "peers": found,
  }
  for peer in chosen(names):
    about = {"model": peer.workload.name, "version": version(peer.package)}
    found[peer.package] = about | compare(peer, seconds, rounds)
    ratios = {k: f"{x:.2f}" for k, x in found[peer.package].items() if k.endswith("_ratio")}
    print(f"{peer.package}: {ratios}", flush=True)
    write_json(path, measured)
  print(f"{path}\n{table(measured)}")


def chosen(names) -> list[Peer]:
  """The peers by package, all by default. Raises UserError for what is none of them."""
  known = {peer.package: peer for peer in PEERS}
  for name in names:
    if name not in known:
      raise UserError(f"--workloads={name}: the peers are {', '.join(known)}")
  return [known[name] for name in names or known]
