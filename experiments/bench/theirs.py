"""PyTorch's side: eager, or by `torch.compile`."""

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

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LAST, ALL = torch.channels_last, torch.get_num_threads()
# For small nets, and on a busy machine, one is often faster.
THREADS = sorted({1, ALL}) if DEVICE == "cpu" else [ALL]
torch.manual_seed(0)
torch._dynamo.config.recompile_limit = 64
torch._inductor.config.force_disable_caches = True


def forget():
  """Forgets what was compiled: time to the first step counts all of it, on our side too."""
  torch._dynamo.reset()


def finished():
  """Waits for the device."""
  if DEVICE == "cuda":
    torch.cuda.synchronize()


def twin(w: Workload, params):
  """The module of the workload, with our parameters."""
  module, name = w.twin.split(".")
  construct = getattr(importlib.import_module(f"experiments.bench.twins.{module}"), name)
  options = w.model | w.sample | {"size": w.size, "gray": w.levels, "channels": w.channels}
  return construct(params, **options).to(DEVICE, memory_format=LAST)


def image(x) -> torch.Tensor:
  """Our images [B, H, W, C] as PyTorch's, in the same memory."""
  return torch.tensor(np.asarray(x)).to(DEVICE).permute(0, 3, 1, 2)


def compared(module, inputs) -> np.ndarray:
  """What ours must give as well, in full precision; images come back with channels last."""
  torch.set_float32_matmul_precision("highest")
  torch.backends.cudnn.allow_tf32 = False
  given = {
    k: image(x) if np.ndim(x) == 4 else torch.tensor(x).to(DEVICE) for k, x in inputs.items()
  }
  with torch.no_grad():
    out = module.compared(**given)
  # From here on as JAX has it, where the device has a choice.
  torch.set_float32_matmul_precision("high")
  torch.backends.cudnn.allow_tf32 = True
  return (out.permute(0, 2, 3, 1) if out.ndim == 4 else out).cpu().numpy()


def precision(w: Workload):
  """A context in which the twin computes in the workload's dtype."""
  if w.model.get("dtype") == "bfloat16":
    return torch.autocast(DEVICE, torch.bfloat16)
  return contextlib.nullcontext()


def training(w: Workload, params, compiled: bool, threads: int):
  """(Contender of steps, seconds to the first)."""
  begun, module = time.perf_counter(), twin(w, params)
  data = image(ours.dataset(w).splits["train"]["image"])
  adam = lambda part: torch.optim.Adam(part.parameters(), 1e-3, fused=True)
  wrap = torch.compile if compiled else lambda f: f

  def minimize(loss, optimizer, x):
    with precision(w):
      value = loss(x).mean()
    optimizer.zero_grad()
    value.backward()
    optimizer.step()

  if hasattr(module, "critic_loss"):
    critic_loss, gen_loss = wrap(module.critic_loss), wrap(module.gen_loss)
    critic, gen = adam(module.critic), adam(module.net)

    def step(x):
      for part in x.chunk(module.n_critic):
        minimize(critic_loss, critic, part)
      minimize(gen_loss, gen, part)
  else:
    loss, optimizer = wrap(module.loss), adam(module)
    step = lambda x: minimize(loss, optimizer, x)

  def run(calls):
    torch.set_num_threads(threads)  # What was compiled for others is compiled again.
    for index in torch.randint(len(data), (calls, w.batch)).to(DEVICE):
      step(data[index])
    finished()

  run(1)
  return Contender(run, w.batch), time.perf_counter() - begun


def sampling(w: Workload, params, compiled: bool, threads: int) -> Contender:
  """Draws of `w.drawn` samples, as NumPy arrays."""
  module = twin(w, params).eval()
  net = torch.compile(module.net) if compiled else module.net

  def run(calls):
    torch.set_num_threads(threads)
    for _ in range(calls):
      with torch.inference_mode(), precision(w):
        module.sample(w.drawn, net).cpu().numpy()

  return Contender(run, w.drawn)


def working_memory(contender: Contender) -> int:
  """Bytes on the GPU at the peak of a call beyond those before it."""
  torch.cuda.reset_peak_memory_stats()
  before = torch.cuda.memory_allocated()
  contender.run(1)
  return torch.cuda.max_memory_allocated() - before
