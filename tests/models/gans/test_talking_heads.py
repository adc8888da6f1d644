"""Talking heads: losses from the networks, a person as the mean of shots, fine-tuning to one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import to_floats
from genjax_zoo.models.gans import talking_heads, talking_heads_tuned
from genjax_zoo.models.gans.gan import leaky_relu
from genjax_zoo.models.gans.talking_heads import Critic, Networks
from genjax_zoo.nn.convnet import Encoder
from genjax_zoo.nn.styled import StyledTranslator

LEVELS = 2**16  # So many that rounding hides nothing.
IMAGE, MARKS = Field((4, 4, 3), np.uint16, LEVELS), Field((4, 4, 1), np.uint8, 5)
DATA = {
  "image": IMAGE,
  "landmarks": MARKS,
  "shots": IMAGE._replace(shape=(2, 4, 4, 3)),
  "shot_landmarks": MARKS._replace(shape=(2, 4, 4, 1)),
  "identity": Field((), np.int32, 5),
}
KEY, N, D = jax.random.key(0), 4, 3
SMALL = {"widths": (4,), "blocks": 1, "critic": (4,), "features": D}
NETS = Networks(
  DATA,
  StyledTranslator((4,), 1, 3),
  Encoder((4,), D, leaky_relu),
  Critic(Encoder((4,), D, leaky_relu)),
)
relu = lambda x: np.maximum(x, 0)


@functools.cache
def started():
  """(learner, its state, a batch), with logits on both sides of the margins."""
  still = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  learner = talking_heads.learner(DATA, still, l1=2.0, adversarial=0.5, match=0.7, **SMALL)
  keys = iter(jax.random.split(KEY, 8))
  batch = {
    name: jax.random.randint(next(keys), (N, *f.shape), 0, f.num_values).astype(f.dtype)
    for name, f in DATA.items()
  }
  batch |= {"weight": jnp.ones(N)}
  ts = jax.jit(learner.init)(KEY, batch)
  critic = ts.params["critic"] | {"people": 8 * ts.params["critic"]["people"]}
  return learner, ts.replace(params=ts.params | {"critic": critic}), batch


def of(batch, name):
  return to_floats(batch[name], DATA[name])


def person_of(gen, batch):
  """The mean over shots, one by one."""
  pairs = jnp.concatenate([of(batch, "shots"), of(batch, "shot_landmarks")], -1)
  embed = lambda x: NETS.embedder.apply({"params": gen["embedder"]}, x)
  return (embed(pairs[:, 0]) + embed(pairs[:, 1])) / 2


def test_the_losses_are_those_of_the_paper():
  learner, ts, batch = started()
  _, metrics = jax.jit(learner.step)(ts, batch, jax.random.key(1))
  gen, critic = ts.params["gen"], ts.params["critic"]
  x, y = of(batch, "image"), of(batch, "landmarks")

  def recomputed():
    e, W = person_of(gen, batch), critic["people"][batch["identity"]]
    made = NETS.make(gen, y, e)
    features = lambda x: Encoder((4,), D, leaky_relu).apply(
      {"params": critic["net"]["body"]}, jnp.concatenate([x, y], -1)
    )
    dense = critic["net"]["Dense_0"]
    v = lambda x: leaky_relu(features(x))
    logits = lambda x: (v(x) * (W + dense["kernel"].T)).sum(-1) + dense["bias"]
    return logits(x), logits(made), jnp.abs(x - made).mean(), jnp.abs(e - W).mean()

  real, fake, l1, match = jax.jit(recomputed)()
  loss = (relu(1 - real) + relu(1 + fake)).mean()
  np.testing.assert_allclose(metrics["critic_loss"], loss, rtol=1e-4)
  np.testing.assert_allclose(
    metrics["gen_loss"], 2 * l1 - 0.5 * fake.mean() + 0.7 * match, rtol=1e-4
  )
  assert min(l1, match, np.abs(fake.mean()), np.abs(real - fake).max()) > 1e-2


def test_a_person_is_the_mean_of_any_number_of_shots_in_any_order():
  learner, ts, batch = started()
  encode = jax.jit(learner.model.encode)
  person = lambda shots: encode(ts.params, {}, batch | shots)["e"]
  shots = {name: batch[name] for name in ("shots", "shot_landmarks")}
  part = lambda *rows: person({name: x[:, rows] for name, x in shots.items()})
  e = part(0, 1)
  np.testing.assert_allclose(e, person_of(ts.params["gen"], batch), atol=1e-5)
  np.testing.assert_allclose(e, part(1, 0), atol=1e-5)
  np.testing.assert_allclose(e, (part(0) + part(1)) / 2, atol=1e-5)
  assert np.abs(part(0) - part(1)).max() > 1e-3


def test_portraits_are_of_the_person_of_the_shots_in_the_pose_of_the_landmarks():
  learner, ts, batch = started()
  model = learner.model
  given = {name: batch[name] for name in model.given}
  sample = jax.jit(lambda given: model.sample(ts.params, {}, KEY, N, given)["image"])
  latents = model.encode(ts.params, {}, batch)
  made = model.decode(ts.params, {}, latents)["image"]
  assert made.dtype == np.uint16 and made.shape == (N, 4, 4, 3)
  near = lambda a, b: np.testing.assert_allclose(np.asarray(a, int), np.asarray(b, int), atol=2)
  near(sample(given), made)
  mixed = model.decode(ts.params, {}, latents | {"landmarks": batch["landmarks"][::-1]})["image"]
  near(sample(given | {"landmarks": batch["landmarks"][::-1]}), mixed)
  assert (mixed != made).any((1, 2, 3)).all()
  unit = model.parts["mean"](ts.params, {}, latents)
  near(np.clip(unit, 0, 1) * (LEVELS - 1), made)


def test_a_new_person_has_e_for_the_vector_of_the_critic():
  learner, ts, batch = started()
  parts, (gen, critic) = learner.model.parts, (ts.params["gen"], ts.params["critic"])
  e, x, y = person_of(gen, batch), of(batch, "image"), of(batch, "landmarks")
  found = parts["critic"](ts.params, {}, batch)
  np.testing.assert_allclose(found, NETS.logits(critic, x, y, e), atol=1e-5)
  found = parts["realism"](ts.params, {}, {"e": e, "landmarks": batch["landmarks"]})
  np.testing.assert_allclose(found, NETS.logits(critic, NETS.make(gen, y, e), y, e), atol=1e-5)


@functools.cache
def tuning(adversarial: float = 0.4):
  """(sample(given, steps, rate), what is given of two people)."""
  learner, ts, batch = started()
  model = talking_heads_tuned.model(DATA, first=learner.model, l1=3.0, adversarial=adversarial)
  _, state = model.init(KEY, batch, {"first": (ts.params, {})})
  given = {name: batch[name][:2] for name in model.given}
  draw = lambda given, steps, rate: model.sample({}, state, KEY, 2, given, steps, rate)
  return jax.jit(draw, static_argnums=1), given


def test_a_tuned_portrait_is_nearer_the_shots():
  """Of the first shot itself, whose pose is given."""
  learner, ts, _ = started()
  draw, given = tuning()
  known = given | {"landmarks": given["shot_landmarks"][:, 0]}
  error = lambda made: np.abs(made["image"] - given["shots"][:, 0].astype(float)).mean()
  untuned = learner.model.sample(ts.params, {}, KEY, 2, known)
  assert error(draw(known, 100, 0.01)) < 0.7 * error(untuned)


@pytest.mark.parametrize("adversarial", [0.4, 0.0])
def test_the_first_update_is_of_both_losses_with_e_for_the_person(adversarial):
  """By Adam a first step is as long for each parameter: the rate, by the sign of its gradient."""
  _, ts, _ = started()
  draw, given = tuning(adversarial)
  gen, critic = ts.params["gen"], ts.params["critic"]
  e = person_of(gen, given)[:1].repeat(2, 0)
  x, y = of(given, "shots")[0], of(given, "shot_landmarks")[0]

  def critic_loss(critic):
    fake = NETS.logits(critic, NETS.make(gen, y, e), y, e)
    real = NETS.logits(critic, x, y, e)
    return (jax.nn.relu(1 - real) + jax.nn.relu(1 + fake)).mean()

  def gen_loss(gen, critic):
    made = NETS.make(gen, y, e)
    fooled = -NETS.logits(critic, made, y, e).mean()
    return 3 * jnp.abs(x - made).mean() + adversarial * fooled

  def moved(loss, params):
    step = lambda p, g: p - 0.05 * g / (jnp.abs(g) + 1e-8)
    return jax.tree.map(step, params, jax.grad(loss)(params))

  @jax.jit
  def expected():
    after = moved(critic_loss, critic)
    own = moved(lambda gen: gen_loss(gen, after), gen)
    return NETS.make(own, of(given, "landmarks")[:1], e[:1])

  found = to_floats(draw(given, 1, 0.05)["image"], IMAGE)[0]
  np.testing.assert_allclose(found, jnp.clip(expected()[0], -1, 1), atol=2e-3)


def test_people_are_tuned_to_one_by_one():
  draw, given = tuning()
  both = draw(given, 1, 0.05)["image"].astype(int)
  other = draw({name: x[::-1] for name, x in given.items()}, 1, 0.05)["image"].astype(int)
  np.testing.assert_allclose(both, other[::-1], atol=LEVELS / 1000)
  assert np.abs(both - other).max() > LEVELS / 10


def test_data_without_people_and_other_stages_are_refused():
  still = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  with pytest.raises(UserError, match="shots"):
    talking_heads.learner({"image": IMAGE, "identity": DATA["identity"]}, still)
  other = started()[0].model._replace(parts={})
  with pytest.raises(UserError, match="talking_heads"):
    talking_heads_tuned.model(DATA, first=other)
