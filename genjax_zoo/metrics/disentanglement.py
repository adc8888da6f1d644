"""Five scores of how well each coordinate of a code represents one known factor of variation.

The data are functions of known factors: `sizes` gives the number of values of each of F discrete,
independent, uniform factors, and `code(factors int32 [N, F]) -> [N, D]` renders examples and
encodes them. Use the posterior mean:

    images = dsprites()
    code = jax.jit(lambda f: model.encode(params, state, {"image": images.render(f)}, key)["z"])
    scores(images.sizes, code)

Factors with one value carry no information and are left out. All that is random follows from a
seed. The protocol is that of Locatello et al. 2019 (1811.12359), who also discuss how far such
numbers can be trusted.
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

  `votes` are the training and test points of the two metrics that classify interventions. Each
  point encodes 64 or 128 examples, so that these two are nearly all of the cost (published numbers
  use 10,000 and 5,000). `examples` are the training and test examples of the others. `continuous`
  is that of `sap`.
  """
  rngs = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]
  train = draw(rngs[0], sizes, code, examples[0])
  test = draw(rngs[1], sizes, code, examples[1])
  return {
    "beta_vae": beta_vae(rngs[2], sizes, code, votes),
    "factor_vae": factor_vae(rngs[3], sizes, code, votes),
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
  chunks = [np.asarray(code(padded[i : i + CHUNK])) for i in range(0, len(padded), CHUNK)]
  codes = np.concatenate(chunks)[: len(flat)]
  if codes.ndim != 2 or not np.isfinite(codes).all():
    raise UserError(
      "disentanglement: code(factors) must be finite and [N, D], "
      f"but is {codes.shape}, or holds NaN"
    )
  return codes.reshape(*factors.shape[:-1], -1)


def choose(rng: np.random.Generator, sizes: Sequence[int], n: int) -> np.ndarray:
  """Indices [n] of factors with more than one value, drawn uniformly."""
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
  """Accuracy of a linear classifier that predicts, from codes, which factor two examples share.

  Chance is 1 / F. A point is the mean of |z1 - z2| over `batch` pairs that agree in factor y and
  are independent in the others; the classifier is multinomial logistic regression. Higgins et al.
  2017 (beta-VAE, appendix A.4).
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
  """Accuracy with which the least variable coordinate of a code predicts which factor was fixed.

  Chance is 1 / F. A vote is d = argmin_d Var(z_d) / Var_all(z_d) over `batch` examples that agree
  in factor y; the classifier predicts, for each d, the factor of most training votes. Coordinates
  with a standard deviation below `collapsed` over all data have no votes; if none is left the score
  is 0. Kim & Mnih 2018 (1802.05983, section 4).
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
  """Mutual information gap: the mean over factors v of (I(z_1; v) - I(z_2; v)) / H(v).

  z_1 and z_2 are the two coordinates with the most information about v, in a histogram of each with
  `bins` equal bins over its range. A scalar code of a factor with more values than bins therefore
  stays below 1. Chen et al. 2018 (1802.04942, equation 6), who integrate q(z | x) where this takes
  its mean, as Locatello et al. do.
  """
  known = factors.T[varying(factors)]
  entropies = [mutual_info_score(v, v) for v in known]
  return float(np.mean(gap(information(codes, known.T, bins)) / entropies))


def information(codes: np.ndarray, factors: np.ndarray, bins: int = 20) -> np.ndarray:
  """I(z_d; v_f), nats [D, F], of factors [N, F] and codes [N, D] in `bins` equal bins each."""
  binned = [np.digitize(z, np.histogram(z, bins)[1][1:-1]) for z in codes.T]
  return np.array([[mutual_info_score(v, z) for v in factors.T] for z in binned])


def gap(matrix: np.ndarray) -> np.ndarray:
  """The largest minus the second largest entry of each column [D, F], [F]; of one row, the row."""
  top = np.sort(matrix, 0)[::-1]
  return top[0] - (top[1] if len(top) > 1 else 0.0)


def dci(
  train: Sample, test: Sample, trees: ClassifierMixin | None = None, seed: int = 0
) -> dict[str, float]:
  """Disentanglement, completeness, informativeness, by trees that predict factors from the code.

  R[d, f] is the importance (share of the decrease of impurity) of coordinate d for factor f;
  informativeness is the mean accuracy on `test` (the paper reports the error). Eastwood & Williams
  2018 (ICLR, section 2).

  `trees` is any scikit-learn classifier with `feature_importances_`. The default is a random
  forest, as in the paper, which takes seconds; Locatello et al. use `GradientBoostingClassifier()`,
  which takes minutes and gives other numbers.
  """
  # Every coordinate is tried at every split: a random subset would give importance to coordinates
  # without information. One thread: several would round at random.
  if trees is None:
    trees = RandomForestClassifier(20, max_features=None, min_samples_leaf=0.002)
  columns = []
  accuracies = []
  for f in varying(train[1]):
    model = clone(trees).set_params(random_state=seed).fit(train[0], train[1][:, f])
    columns.append(model.feature_importances_)
    accuracies.append(model.score(test[0], test[1][:, f]))
  importance = np.stack(columns, 1)
  return {
    "dci_disentanglement": concentration(importance),
    "dci_completeness": concentration(importance.T),
    "dci_informativeness": float(np.mean(accuracies)),
  }


def concentration(importance: np.ndarray) -> float:
  """The mean over rows of 1 - H(row) / log(columns), weighted by the rows' sums.

  Of importances R [D, F] it is the disentanglement: how far each coordinate represents one factor.
  Of its transpose it is the completeness: how far one coordinate represents all of each factor. 0
  if all importances are 0 or there is one column.
  """
  weight = importance.sum(1)
  columns = importance.shape[1]
  if not weight.any() or columns == 1:
    return 0.0
  used = weight > 0
  rows = importance[used] / weight[used][:, None]
  return float(np.average(1 - entr(rows).sum(1) / np.log(columns), weights=weight[used]))


def sap(train: Sample, test: Sample, continuous: bool = False) -> float:
  """Separated attribute predictability: the mean gap between a factor's two best predictors.

  A predictor is one coordinate: with `continuous`, by the squared correlation of code and factor;
  without, by the accuracy on `test` of a linear support vector machine (C = 0.01, balanced
  classes), as in Locatello et al. Accuracy has a floor: for a factor of two values even a perfect
  code scores 1 - 1/2, and a line can't separate middle values from both sides. Kumar et al. 2018
  (1711.00848, section 3), who fit thresholds where this has a machine.
  """

  def predictability(d, f):
    z, v = train[0][:, d], train[1][:, f]
    z_test, v_test = test[0][:, d], test[1][:, f]
    if continuous:
      return np.corrcoef(z, v)[0, 1] ** 2 if z.std() > 1e-6 else 0.0
    machine = LinearSVC(C=0.01, class_weight="balanced", dual=False)
    return machine.fit(z[:, None], v).score(z_test[:, None], v_test)

  table = [[predictability(d, f) for f in varying(train[1])] for d in range(train[0].shape[1])]
  return float(np.mean(gap(np.array(table))))
