"""PolyGen (Nash et al. 2020, arXiv:2002.10880): meshes, by a model of vertices and one of faces.

  p(mesh) = p(V) p(F | V)

Two trained stages, polygen_vertices.py and polygen_faces.py: nothing is left to train.
"""

import jax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._meshes import mesh_fields


def model(data, *, vertices: Model, faces: Model) -> Model:
  """Whole meshes: sampled vertices, given what `vertices` is given, then faces given them.

  Raises UserError where `faces` is no model of faces given vertices.
  """
  mesh_fields(data)
  if "vertices" not in faces.given or "vertices" in vertices.given:
    raise UserError("stages.vertices must model vertices, and stages.faces faces given vertices")

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def both(state):
    """(the stage's model, its params, its state) of either stage."""
    frozen = state["frozen"]
    return (vertices, *frozen["vertices"]), (faces, *frozen["faces"])

  def log_prob(params, state, batch, key, masked=True):
    """log p(vertices) + log p(faces | vertices), nats [B]."""
    return sum(stage.log_prob(*of, batch, key, masked) for stage, *of in both(state))

  def evaluate(params, state, batch, key):
    """Bits a vertex of the two sequences and of the whole mesh."""
    found = {}
    parts = [stage.evaluate(*of, batch, key) for stage, *of in both(state)]
    for name in ("bits_per_vertex", "bits_per_vertex_unmasked", "bits_per_vertex_uniform"):
      (of_vertices, count), (of_faces, _) = (part[name] for part in parts)
      found[name] = of_vertices + of_faces, count
    return found

  def sample(params, state, key, n, given={}, **options):
    """n meshes; `options` are those of both stages' `sample`."""
    k_vertices, k_faces = jax.random.split(key)
    first, second = both(state)
    batch = first[0].sample(*first[1:], k_vertices, n, given, **options)
    return batch | second[0].sample(*second[1:], k_faces, n, batch, **options)

  def calls(**options):
    return vertices.calls(**options) + faces.calls(**options)

  return Model(
    init,
    None,
    sample,
    log_prob,
    evaluate=evaluate,
    likelihood={"exact": "exact"},
    given=vertices.given,
    calls=calls,
  )
