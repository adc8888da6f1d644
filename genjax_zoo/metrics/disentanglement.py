"""Five scores of how well each coordinate of a code stands for one known factor of variation.

The data are known through their factors: `sizes` gives the number of levels of each of F discrete,
independent, uniform factors, and `code(factors int32 [N, F]) -> [N, D]` renders examples and
encodes them. Use the posterior mean:

    dsprites = factors.dsprites()
    code = jax.jit(lambda f: model.encode(params, state, {"image": dsprites.render(f)}, key)["z"])
    scores(dsprites.sizes, code)

Factors with one level carry no information and are left out. Everything random follows from a seed.
The protocol is that of Locatello et al. 2019 (1811.12359), who also tell how far such numbers can
be trusted.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import entr
from sklearn.base import ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score
from sklearn.svm import LinearSVC

from genjax_zoo.core import UserError

Code = Callable[[np.ndarray], np.ndarray]
Sample = tuple[np.ndarray, np.ndarray]  # (codes [N, D], factors [N, F])

CHUNK = 1024  # Examples in one call of `code`: always this many, so that it compiles once.


def scores(
  sizes: Sequence[int],
  code: Code,
  seed: int = 0,
  votes: tuple[int, int] = (2_000, 1_000),
  examples: tuple[int, int] = (10_000, 5_000),
  continuous: bool = False,
) -> dict[str, float]:
  """All scores of `code`, by name; higher is better.

  `votes` are the training and test points of the two metrics that classify interventions; each
  point encodes 64 or 128 examples, and so these two are nearly all of the cost (published numbers
  use 10,000 and 5,000). `examples` are the training and test examples of the others. `continuous`
  is that of `sap`.
  """
  seeds = np.random.SeedSequence(seed).spawn(4)
  train, test = (draw(np.random.default_rng(s), sizes, code, n) for s, n in zip(seeds, examples))
  return {
    "beta_vae": beta_vae(np.random.default_rng(seeds[2]), sizes, code, votes),
    "factor_vae": factor_vae(np.random.default_rng(seeds[3]), sizes, code, votes),
    "mig": mig(*train),
    **dci(train, test, seed=seed),
    "sap": sap(train, test, continuous),
  }


def draw(rng: np.random.Generator, sizes: Sequence[int], code: Code, n: int) -> Sample:
  """Codes [n, D] and factors [n, F] of `n` examples with uniform independent factors."""
  factors = rng.integers(0, sizes, (n, len(sizes)), dtype=np.int32)
  return encode(code, factors), factors


def encode(code: Code, factors: np.ndarray) -> np.ndarray:
  """Codes [..., D] of factors [..., F], `CHUNK` examples at a time."""
  flat = factors.reshape(-1, factors.shape[-1])
  padded = np.pad(flat, ((0, -len(flat) % CHUNK), (0, 0)))
  codes = np.concatenate(
    [np.asarray(code(padded[i : i + CHUNK])) for i in range(0, len(padded), CHUNK)]
  )[: len(flat)]
  if codes.ndim != 2 or not np.isfinite(codes).all():
    raise UserError(
      f"disentanglement: code(factors) must be finite and [N, D], but is {codes.shape}, or holds NaN"
    )
  return codes.reshape(*factors.shape[:-1], -1)


def choose(rng: np.random.Generator, sizes: Sequence[int], n: int) -> np.ndarray:
  """Indices [n] of factors with more than one level, drawn uniformly."""
  return rng.choice(np.flatnonzero(np.greater(sizes, 1)), n)


def varying(factors: np.ndarray) -> np.ndarray:
  """Indices of the columns of factors [N, F] that are not constant."""
  return np.flatnonzero(np.ptp(factors, 0))


def beta_vae(
  rng: np.random.Generator,
  sizes: Sequence[int],
  code: Code,
  votes: tuple[int, int] = (10_000, 5_000),
  batch: int = 64,
) -> float:
  """Accuracy with which a linear classifier tells, from codes, which factor two examples share;
  chance is 1 / F.

  A point is the mean of |z1 - z2| over `batch` pairs whose members agree in factor y, the others
  being drawn anew; the classifier is multinomial logistic regression. Higgins et al. 2017
  (beta-VAE, appendix A.4).
  """

  def points(n):
    y = choose(rng, sizes, n)
    first, second = rng.integers(0, sizes, (2, n, batch, len(sizes)), dtype=np.int32)
    second[np.arange(n), :, y] = first[np.arange(n), :, y]
    return np.abs(encode(code, first) - encode(code, second)).mean(1), y

  train, test = points(votes[0]), points(votes[1])
  return float(LogisticRegression(max_iter=1_000).fit(*train).score(*test))


def factor_vae(
  rng: np.random.Generator,
  sizes: Sequence[int],
  code: Code,
  votes: tuple[int, int] = (10_000, 5_000),
  batch: int = 64,
  collapsed: float = 0.05,
) -> float:
  """Accuracy with which the steadiest coordinate of a code tells which factor was held fixed;
  chance is 1 / F.

  A vote is d = argmin_d Var(z_d) / Var_all(z_d) over `batch` examples that agree in factor y; the
  classifier says, for each d, the factor that most training votes had. Coordinates with a standard
  deviation below `collapsed` over all data do not vote; if none is left the score is 0. Kim & Mnih
  2018 (1802.05983, section 4).
  """
  variance = draw(rng, sizes, code, 10_000)[0].var(0, ddof=1)
  alive = np.sqrt(variance) >= collapsed
  if not alive.any():
    return 0.0

  def count(n):  # [D, F]
    y = choose(rng, sizes, n)
    factors = rng.integers(0, sizes, (n, batch, len(sizes)), dtype=np.int32)
    factors[np.arange(n), :, y] = factors[np.arange(n), 0, y][:, None]
    d = np.argmin(encode(code, factors)[..., alive].var(1, ddof=1) / variance[alive][None], 1)
    table = np.zeros((alive.sum(), len(sizes)), int)
    np.add.at(table, (d, y), 1)
    return table

  train, test = count(votes[0]), count(votes[1])
  return float(test[np.arange(len(test)), train.argmax(1)].sum() / test.sum())


def mig(codes: np.ndarray, factors: np.ndarray, bins: int = 20) -> float:
  """Mutual information gap: mean over factors v of (I(z_1; v) - I(z_2; v)) / H(v), z_1 and z_2 the
  best coordinates.

  I is that of the histogram of each coordinate with `bins` equal bins over its range. A scalar code
  of a factor with more levels than bins therefore stays below 1. Chen et al. 2018 (1802.04942,
  equation 6), who integrate q(z | x) where this takes its mean, as Locatello et al. do.
  """
  levels = factors.T[varying(factors)]
  return float(
    np.mean(gap(information(codes, levels.T, bins)) / [mutual_info_score(v, v) for v in levels])
  )


def information(codes: np.ndarray, factors: np.ndarray, bins: int = 20) -> np.ndarray:
  """I(z_d; v_f) in nats, [D, F], of codes [N, D] in `bins` equal bins over their range and factors
  [N, F].
  """
  binned = [np.digitize(z, np.histogram(z, bins)[1][1:-1]) for z in codes.T]
  return np.array([[mutual_info_score(v, z) for v in factors.T] for z in binned])


def gap(matrix: np.ndarray) -> np.ndarray:
  """Largest minus second largest of each column [D, F] -> [F]; of a single row, the row."""
  top = np.sort(matrix, 0)[::-1]
  return top[0] - (top[1] if len(top) > 1 else 0.0)


def dci(
  train: Sample, test: Sample, trees: ClassifierMixin | None = None, seed: int = 0
) -> dict[str, float]:
  """Disentanglement, completeness and informativeness, from trees that predict each factor from the
  code.

  R[d, f] is the importance (share of the decrease of impurity) of coordinate d for factor f;
  informativeness is the mean accuracy on `test` (the paper reports the error). Eastwood & Williams
  2018 (ICLR, section 2).

  `trees` is any scikit-learn classifier with `feature_importances_`. The default is a random
  forest, as in the paper, which takes seconds; Locatello et al. use `GradientBoostingClassifier()`,
  which takes minutes and gives other numbers.
  """
  # Every coordinate is tried at every split: a random subset would lend importance to coordinates
  # that carry nothing.
  if trees is None:
    # Threads would round by chance.
    trees = RandomForestClassifier(20, max_features=None, min_samples_leaf=0.002)
  columns = varying(train[1])
  models = [
    clone(trees).set_params(random_state=seed).fit(train[0], train[1][:, f]) for f in columns
  ]
  importance = np.stack([model.feature_importances_ for model in models], 1)
  return {
    "dci_disentanglement": concentration(importance),
    "dci_completeness": concentration(importance.T),
    "dci_informativeness": float(
      np.mean([m.score(test[0], test[1][:, f]) for m, f in zip(models, columns)])
    ),
  }


def concentration(importance: np.ndarray) -> float:
  """Mean over rows of 1 - H(row) / log(columns), weighted by the rows' sums; 0 if all is 0 or there
  is one column.

  Of importances R [D, F]: disentanglement, how far each coordinate serves one factor. Of its
  transpose: completeness, how far one coordinate does all for each factor.
  """
  weight = importance.sum(1)
  if not weight.any() or importance.shape[1] == 1:
    return 0.0
  rows = importance[weight > 0] / weight[weight > 0][:, None]
  return float(
    np.average(1 - entr(rows).sum(1) / np.log(importance.shape[1]), weights=weight[weight > 0])
  )


def sap(train: Sample, test: Sample, continuous: bool = False) -> float:
  """Separated attribute predictability: mean over factors of the gap between the two coordinates
  that predict it best.

  Prediction is by one coordinate: with `continuous`, the squared correlation of code and factor;
  without, the accuracy on `test` of a linear support vector machine (C = 0.01, balanced classes),
  as Locatello et al. have it. Accuracy has a floor: of a two-level factor even a perfect code
  scores 1 - 1/2, and a line cannot single out middle levels. Kumar et al. 2018 (1711.00848, section
  3), who fit thresholds where this has a machine.
  """

  def predictability(d, f):
    (z, v), (z_test, v_test) = ((codes[:, d], factors[:, f]) for codes, factors in (train, test))
    if continuous:
      return np.corrcoef(z, v)[0, 1] ** 2 if z.std() > 1e-6 else 0.0
    machine = LinearSVC(C=0.01, class_weight="balanced", dual=False)
    return machine.fit(z[:, None], v).score(z_test[:, None], v_test)

  table = [[predictability(d, f) for f in varying(train[1])] for d in range(train[0].shape[1])]
  return float(np.mean(gap(np.array(table))))
