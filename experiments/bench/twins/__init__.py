"""The workloads' models in PyTorch, as one would write them there: built from our parameters, hence
equal functions.

A twin is `Twin(params, *, size, gray, **options of the model)`, images [B, 1, size, size] of
integers, with

  compared(**inputs)   what `Workload.compared` gives for ours
  loss(x) -> [B]       to be minimised by Adam; a game has `step` instead, see `gan`
  sample(n, net)       images, by `net`, which is `twin.net` or its compiled form
"""
