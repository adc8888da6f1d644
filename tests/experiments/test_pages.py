"""The generated tables: what a row shows, and which results are compared."""

import re

import numpy as np
import pytest

from experiments import pages, suites
from tests.experiments.test_table import QUALITY, cells, evaluation

MODELS = sorted((pages.ROOT / "genjax_zoo/models").glob("*/[a-z]*.py"))


def test_a_row():
  text = pages.all_results({"vae_digits": evaluation()}, "../")
  head, rule, row = cells(text)
  assert len(head) == len(row) == len(rule) and set(rule) == {"---"}
  assert dict(zip(head, row)) == {
    "family": "latent variables",
    "model": "[vae](../genjax_zoo/models/latent_variable/vae.py)",
    "paper": "Kingma & Welling 2013, [1312.6114](https://arxiv.org/abs/1312.6114)",
    "config": "[vae_digits](../experiments/configs/vae_digits.py)",
    "−log p(x) of test data": "≤ 2.257 ± 0.012 bits/dim",
    "FID": "19.44 (1,000 samples)",
    "training": "7 s, cpu",
  }
  assert "Features of the FID: `digits@sha256:6170c57c`." in text
  for link in re.findall(r"\]\(([^h)][^)]*)\)", " ".join(row)):
    assert (pages.ROOT / "docs" / link).is_file(), link


def test_a_column_without_values_is_left_out():
  lacks = evaluation(likelihood=None, quality=None)
  text = pages.all_results({"vae_digits": lacks}, "../")
  assert cells(text)[0] == ["family", "model", "paper", "config", "training"]
  assert "FID" not in text


def test_data_sets_are_apart_digits_first():
  results = {
    "gan_digits": evaluation("gan_digits", data="25gaussians"),
    "vae_digits": evaluation(),
    "wgan_digits": evaluation("wgan_digits", data="moons"),
  }
  text = pages.all_results(results, "")
  assert re.findall("^## (.*)$", text, re.MULTILINE) == ["digits", "25gaussians", "moons"]


def test_a_restoration_has_its_psnr_and_no_fid():
  metrics = {"psnr": 18.526, "psnr_baseline": 13.004}
  text = pages.all_results(
    {"denoising_digits": evaluation("denoising_digits", metrics=metrics)}, ""
  )
  head, _, row = cells(text)
  assert row[head.index("PSNR")] == "18.53 dB"
  assert row[head.index("PSNR of the baseline")] == "13.00 dB"
  assert "FID" not in text


def test_conditional_results_are_marked_and_never_the_best():
  conditional = evaluation("cvae_digits")
  marginal = conditional["likelihood"] | {"bits_per_dim": 2.191}
  conditional["likelihood"] |= {"bits_per_dim": 1.5, "given": ["label"], "marginal": marginal}
  conditional["quality"] = conditional["quality"] | {"fid": 0.001, "agreement": 0.9}
  results = {"cvae_digits": conditional, "vae_digits": evaluation()}
  text = pages.all_results(results, "")
  first, second = cells(text)[2:]
  assert cells(text)[0][4:6] == [pages.NLL, pages.GIVEN]
  assert first[4].startswith("≤ 2.191 ") and "†" not in first[4]
  assert first[5].startswith("≤ 1.500 ") and first[5].endswith("bits/dim †") and second[5] == ""
  assert first[6] == "0.001 (1,000 samples) †"
  assert "†" not in "".join(second) and "\n† Given the label.\n" in text
  row = next(r for r in cells(pages.families(results, "")) if r[0] == "latent variables")
  assert "vae_digits" in row[2] and "cvae_digits" not in "".join(row)


def test_a_conditional_likelihood_without_a_marginal_is_beside_no_other():
  conditional = evaluation("cvae_digits")
  conditional["likelihood"] |= {"given": ["label", "tokens"], "marginal": None}
  text = pages.all_results({"cvae_digits": conditional, "vae_digits": evaluation()}, "")
  first, second = cells(text)[2:]
  assert first[4] == "" and first[5].startswith("≤ 2.257 ") and second[4].startswith("≤ 2.257 ")


def test_an_fid_of_means_is_marked_and_never_the_best():
  means = evaluation("vae_digits", quality=QUALITY | {"fid": 0.001, "samples_are": "means"})
  drawn = evaluation("vamp_vae_digits", quality=QUALITY | {"samples_are": "draws"})
  results = {"vae_digits": means, "vamp_vae_digits": drawn}
  text = pages.all_results(results, "")
  assert "| 0.001 (1,000 means) |" in text and "| 19.44 (1,000 samples) |" in text
  assert pages.MEANS in text and pages.MEANS not in pages.all_results({"vae_digits": drawn}, "")
  row = next(r for r in cells(pages.families(results, "")) if r[0] == "latent variables")
  assert "vamp_vae_digits" in row[3]


def test_the_conditions_are_those_of_the_config():
  assert pages.conditions(evaluation("ddpm_labels_digits")) == ("label",)
  assert pages.conditions(evaluation("ddpm_digits")) == ()
  restored = evaluation("sr3_digits", judged={"samples": {"psnr": 20.0, "low_error": 0.1}})
  assert pages.conditions(restored) == ("degraded image",)
  portrait = evaluation("talking_heads_avatars", judged={"samples": {"psnr": 20.0}})
  assert pages.conditions(portrait) == ("test input",)
  assert pages.conditions(evaluation("classifier_guidance_digits", quality={"agreement": 1})) == (
    "label",
  )


def test_the_best_of_a_family():
  bits = {"vae_digits": 2.3, "vamp_vae_digits": 2.2, "gmm_digits": 2.1, "hvae_digits": 0.4}
  kinds = {"gmm_digits": "estimate"}
  results = {}
  for config, value in bits.items():
    found = evaluation(config)
    kind = kinds.get(config, "lower_bound")
    found["likelihood"] |= {"bits_per_dim": value, "kind": kind}
    found["quality"] = found["quality"] | {"fid": value}
    results[config] = found
  results["hvae_digits"]["likelihood"]["binarization"] = "static"
  # Neither an estimate nor the likelihood of binary images is compared with bounds in bits/dim.
  rows = cells(pages.families(results, ""))
  assert [row[0] for row in rows[2:]] == list(pages.FAMILIES.values())
  row = next(row for row in rows if row[0] == "latent variables")
  assert row[2].startswith("≤ 2.200 ") and "[vamp_vae_digits](" in row[2]
  assert row[3].startswith("0.4: [hvae_digits](") and row[3].endswith(", 7 s, cpu")
  only = {"gmm_digits": results["gmm_digits"]}
  assert "≈ 2.100 " in pages.families(only, "")


def test_every_family_and_every_model_is_in_the_table():
  folders = {file.parent.name for file in MODELS}
  assert folders == set(pages.FAMILIES)
  text = pages.families({}, "")
  for file in MODELS:
    assert f"[{file.stem}]({file.relative_to(pages.ROOT)})" in text


def test_every_lesson_is_in_the_index():
  files = (pages.ROOT / "experiments/lessons").glob("[a-z]*.py")
  rows = cells(pages.lessons({}, "../"))[2:]
  assert {row[0] for row in rows} == {
    f"[{file.stem}](../experiments/lessons/{file.name})" for file in files
  }
  assert all(len(row) == 3 for row in rows)
  verdicts = {row[0].split("]")[0][1:]: row[2] for row in rows}
  assert verdicts["autoencoder_samples"].startswith("holds: an FID of 2.2")


@pytest.mark.parametrize("kind, sign", [("exact", "="), ("lower_bound", "≤"), ("estimate", "≈")])
def test_a_likelihood_has_its_mark_and_unit(kind, sign):
  def shown(found, unit):
    numbers = re.fullmatch(rf"{sign} (\S+) ± (\S+) {unit}", pages.likelihood(found)).groups()
    return [float(x.replace("−", "-")) for x in numbers]

  rng = np.random.default_rng(0)
  for dim in (2, 64, 784):
    nats = rng.normal(0, 50)
    error = rng.uniform(0.1, 1)
    bits = -nats / (dim * np.log(2))
    found = {"kind": kind, "nats": nats, "standard_error": error, "bits_per_dim": bits}
    expected = [bits, error / (dim * np.log(2))]
    np.testing.assert_allclose(shown(found, "bits/dim"), expected, atol=5e-4)
    # Real numbers; binary images.
    for other in ({"bits_per_dim": None}, {"binarization": "static"}):
      np.testing.assert_allclose(shown(found | other, "nats"), [-nats, error], atol=5e-3)


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.stem)
def test_the_paper_of_a_model_is_found(file):
  """The arXiv number that stands first in its docstring's first paragraph, if one is there."""
  text = file.read_text(encoding="utf-8").split('"""')[1].split("\n\n")[0]
  numbers = re.findall(r"\b\d{4}\.\d{4,5}\b", text)
  found = pages.paper(text)
  assert re.findall(r"\[([^]]*)\]\(https://arxiv.org/abs/\1\)", found) == numbers[:1]
  assert found or not re.search(r"\(\w[^)]* \d{4}\)", text)


def test_papers():
  assert pages.paper(
    "Bits (Ho, Jain & Abbeel 2020,\narXiv:2006.11239, equation 3).\n\n(Me 1999)"
  ).startswith("Ho, Jain & Abbeel 2020, [2006.11239]")
  assert (
    pages.paper("Old (A 2001, arXiv:cs/0112017).")
    == "A 2001, [cs/0112017](https://arxiv.org/abs/cs/0112017)"
  )
  assert pages.paper("NADE (L 2011; U 2016, 1605.02226).").startswith(
    "L 2011; U 2016, [1605.02226]"
  )
  assert pages.paper("A window.\n\n(B et al. 2003, JMLR 3.)\n\nMore.") == "B et al. 2003"
  assert pages.paper("EM (Dempster, Laird & Rubin 1977).") == "Dempster, Laird & Rubin 1977"
  assert pages.paper("No paper (a remark).\n\nIt departs from (B 2002).") == ""


def test_durations():
  assert [pages.duration(s) for s in (0.4, 61.2, 119, 121, 3600, 7300, 86400)] == [
    "0 s",
    "61 s",
    "119 s",
    "2 min",
    "60 min",
    "2.0 h",
    "24.0 h",
  ]


def test_the_comparison_of_text_to_image_begins_with_the_best_and_has_every_system():
  head, _, *rows = cells(pages.text_to_image({}, ""))
  systems = [re.match(r"\[(\w+)\]", row[0])[1] for row in rows]
  assert sorted(systems) == sorted(suites.SUITES["text_to_image"].configs)
  shares = [float(row[head.index("all")]) for row in rows]
  assert shares == sorted(shares, reverse=True)


def test_the_gallery_has_every_picture_and_names_every_model_without():
  text = pages.gallery({}, "../")
  for path in (pages.ROOT / "docs/gallery").glob("*.webp"):
    assert text.count(f"(../docs/gallery/{path.name})") == 1, path.name
  drawn = {
    pages.resolved(path.stem)["model"]["name"]
    for path in (pages.ROOT / "docs/gallery").glob("*.webp")
  }
  lacking = ", ".join(re.findall(r"Without a picture: (.*)\.", text)).split(", ")
  assert set(lacking) == {file.stem for file in MODELS} - drawn


def test_the_index_of_functions_has_what_is_public():
  text = pages.api({}, "../")
  assert "| `Run.sample(n, seed, given)` | n samples with the keys of the data;" in text
  assert (
    "| `Run.metrics` | The curves" in text and "## [genjax_zoo.data](../genjax_zoo/data/" in text
  )
  assert not re.search(r"^\| `(\w+\.)?_", text, re.MULTILINE) and "genjax_zoo.models" not in text


def test_measures_are_explained():
  rows = cells(pages.measures({}, ""))
  assert rows[0] == ["measure", "unit", "meaning", "better"]
  assert len(rows) > 20 and all(row[2] for row in rows)
