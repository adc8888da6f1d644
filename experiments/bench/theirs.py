"""PyTorch's side: eager, or compiled by `torch.compile`."""

import contextlib
import importlib
import time

import numpy as np
import torch
import torch._dynamo
import torch._inductor.config

from experiments.bench import ours
from experiments.bench.measure import Contender
from experiments.bench.workloads import Workload
from genjax_zoo.core import UserError

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
ALL = torch.get_num_threads()
# On a CPU one thread is often faster for small networks, and on a busy machine.
THREADS = sorted({1, ALL}) if DEVICE == "cpu" else [ALL]
TOLERANCE = 1e-4
torch.manual_seed(0)
torch._dynamo.config.recompile_limit = 64
torch._inductor.config.force_disable_caches = True


def forget():
  """Forgets what was compiled: the time to the first step includes compilation, as on our side."""
  torch._dynamo.reset()


def finished():
  """Waits for the device."""
  if DEVICE == "cuda":
    torch.cuda.synchronize()


def twin(w: Workload, params):
  """The PyTorch module of the workload, with our parameters."""
  module, name = w.twin.split(".")
  construct = getattr(importlib.import_module(f"experiments.bench.twins.{module}"), name)
  shape = {"size": w.size, "channels": w.channels, "num_values": w.num_values}
  made = construct(params, **w.model | w.sample | shape)
  return made.to(DEVICE, memory_format=torch.channels_last)


def image(x) -> torch.Tensor:
  """Our images [B, H, W, C] as PyTorch's [B, C, H, W], in the same memory."""
  return torch.tensor(np.asarray(x)).to(DEVICE).permute(0, 3, 1, 2)


def agreement(w: Workload, params) -> float:
  """The largest difference of the twin's outputs from ours, relative to the largest output.

  Raises UserError beyond 1e-4.
  """
  inputs = w.inputs(np.random.default_rng(1), 4, w)
  mine, other = ours.compared(w, params, inputs), compared(twin(w, params), inputs)
  error = float(np.abs(mine - other.reshape(mine.shape)).max() / max(1, np.abs(mine).max()))
  if not error < TOLERANCE:
    raise UserError(
      f"{w.name}: the twin's outputs differ from ours by {error:.2g}, so it is no twin"
    )
  return error


def compared(module, inputs) -> np.ndarray:
  """The outputs that must equal ours, in full precision; images have channels last, as ours."""
  torch.set_float32_matmul_precision("highest")
  torch.backends.cudnn.allow_tf32 = False
  tensors = {}
  for name, x in inputs.items():
    tensors[name] = image(x) if np.ndim(x) == 4 else torch.tensor(x).to(DEVICE)
  with torch.no_grad():
    out = module.compared(**tensors)
  # For the timings, the precision that JAX has by default.
  torch.set_float32_matmul_precision("high")
  torch.backends.cudnn.allow_tf32 = True
  return (out.permute(0, 2, 3, 1) if out.ndim == 4 else out).cpu().numpy()


def precision(w: Workload):
  """A context in which the twin computes in the workload's dtype."""
  if w.dtype == "bfloat16":
    return torch.autocast(DEVICE, torch.bfloat16)
  return contextlib.nullcontext()


def training(w: Workload, params, compiled: bool, threads: int):
  """(Contender of steps, seconds to the first)."""
  begun = time.perf_counter()
  module = twin(w, params)
  data = image(ours.dataset(w).splits["train"]["image"])
  step = training_step(w, module, torch.compile if compiled else lambda f: f)

  def run(calls):
    torch.set_num_threads(threads)  # A change of threads compiles again.
    for index in torch.randint(len(data), (calls, w.batch)).to(DEVICE):
      step(data[index])
    finished()

  run(1)
  return Contender(run, w.batch), time.perf_counter() - begun


def training_step(w: Workload, module, compile):
  """A function of a batch that takes one step of Adam, or of a GAN's two players."""
  adam = lambda part: torch.optim.Adam(part.parameters(), 1e-3, fused=True)

  def minimize(loss, optimizer, x):
    with precision(w):
      value = loss(x).mean()
    optimizer.zero_grad()
    value.backward()
    optimizer.step()

  if not hasattr(module, "critic_loss"):
    loss = compile(module.loss)
    optimizer = adam(module)
    return lambda x: minimize(loss, optimizer, x)

  critic_loss, gen_loss = compile(module.critic_loss), compile(module.gen_loss)
  critic, gen = adam(module.critic), adam(module.net)

  def step(x):
    for part in x.chunk(module.n_critic):
      minimize(critic_loss, critic, part)
    minimize(gen_loss, gen, part)

  return step


def sampling(w: Workload, params, compiled: bool, threads: int) -> Contender:
  """A contender that draws `w.samples` samples, as NumPy arrays."""
  module = twin(w, params).eval()
  net = torch.compile(module.net) if compiled else module.net

  def run(calls):
    torch.set_num_threads(threads)
    for _ in range(calls):
      with torch.inference_mode(), precision(w):
        module.sample(w.samples, net).cpu().numpy()

  return Contender(run, w.samples)


def working_memory(contender: Contender) -> int:
  """Bytes on the GPU at the peak of a call beyond those before it."""
  torch.cuda.reset_peak_memory_stats()
  before = torch.cuda.memory_allocated()
  contender.run(1)
  return torch.cuda.max_memory_allocated() - before
