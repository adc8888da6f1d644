"""The workloads' models in PyTorch, as its users write them, built from our parameters.

A twin is `Twin(params, *, size, channels, num_values, **options of the model and of sampling)`, of
integer images [B, C, size, size], with

  compared(**inputs)   the outputs of `Workload.compared`
  loss(x) -> [B]       minimised by Adam; a GAN has `critic_loss` and `gen_loss` instead
  sample(n, net)       images, by `net`, which is `twin.net` or its compiled form
"""
