"""Captioned folders: three ways to write captions, and each way to get them wrong."""

import json

import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import load, tokenizer
from genjax_zoo.data.dataset import main_entry

TEXTS = ["a red dog", "a blue cat, asleep", "二匹の猫 🐈", "a red cat", "a dog", "a cat"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pixels(i):
  return np.full((4, 4, 3), 40 * i, np.uint8)


@pytest.fixture
def photos(tmp_path):
  folder = tmp_path / "photos"
  (folder / "sub").mkdir(parents=True)
  for i in range(len(TEXTS)):
    Image.fromarray(pixels(i)).save(folder / name(i))
  return folder


def name(i):
  return f"sub/{i}.png" if i % 2 else f"{i}.png"


def write(folder, form):
  """The captions of all images in one of the three forms."""
  if form == "txt":
    for i, text in enumerate(TEXTS):
      (folder / name(i)).with_suffix(".txt").write_text(text + "\n", encoding="utf-8")
  elif form == "captions.txt":
    (folder / form).write_text("".join(f"{name(i)}\t{t}\n" for i, t in enumerate(TEXTS)), "utf-8")
  else:
    file, caption = ("file_name", "text") if form == "metadata.jsonl" else ("file", "caption")
    rows = [json.dumps({file: name(i), caption: t}) for i, t in enumerate(TEXTS)]
    (folder / form).write_text("\n".join(rows), "utf-8")


@pytest.mark.parametrize("form", ["captions.jsonl", "metadata.jsonl", "captions.txt", "txt"])
@pytest.mark.parametrize("vocabulary", [300, 0])
@pytest.mark.parametrize("memory", [2**20, 0])
def test_each_image_has_its_caption(photos, form, vocabulary, memory):
  write(photos, form)
  dataset = load(f"folder:{photos}", vocabulary=vocabulary, memory=memory)
  field = dataset.fields["tokens"]
  assert list(dataset.fields) == ["image", "tokens"] and main_entry(dataset.fields) == "image"
  assert not field.ordered and field.kind == ""
  found = {}
  for examples in dataset.splits.values():
    rows = [examples[i] for i in range(len(examples))] if memory == 0 else [
      {k: x[i] for k, x in examples.items()} for i in range(len(examples["image"]))
    ]  # fmt: skip
    for row in rows:
      found[row["image"][0, 0, 0] // 40] = tokenizer.decode(field, row["tokens"][None])[0]
  assert found == dict(enumerate(TEXTS))
  assert "left out" not in dataset.found and "of a vocabulary of" in dataset.found


def test_captions_that_change_are_read_again(photos):
  write(photos, "captions.txt")
  load(f"folder:{photos}")
  path = photos / "captions.txt"
  path.write_text(path.read_text().replace("a cat", "a cow"))
  dataset = load(f"folder:{photos}")
  tokens = np.concatenate([x["tokens"] for x in dataset.splits.values()])
  assert "a cow" in tokenizer.decode(dataset.fields["tokens"], tokens)


def test_each_split_may_have_its_own_list(tmp_path):
  for split, texts in {"train": TEXTS[:4], "test": TEXTS[4:]}.items():
    (tmp_path / "photos" / split).mkdir(parents=True)
    for i in range(len(texts)):
      Image.fromarray(pixels(i)).save(tmp_path / "photos" / split / f"{i}.png")
    rows = [json.dumps({"image": f"{i}.png", "text": t}) for i, t in enumerate(texts)]
    (tmp_path / "photos" / split / "captions.jsonl").write_text("\n".join(rows))
  dataset = load(f"folder:{tmp_path / 'photos'}", vocabulary=0)
  test = dataset.splits["test"]["tokens"]
  assert tokenizer.decode(dataset.fields["tokens"], test) == ["a dog", "a cat"]


@pytest.mark.parametrize(
  "change, message",
  [
    (lambda text: text + "9.png\ta ghost\n", "line 7: 9.png is not there"),
    (
      lambda text: text + "notes.md\tno image\n",
      "line 7: notes.md is no image file that was found",
    ),
    (lambda text: text + "0.png\tagain\n", "line 7: 0.png has a caption already"),
    (lambda text: text.split("\n", 1)[1], "1 of 6 images have no caption, first "),
    (lambda text: text.replace("\t", " ", 1), "line 1: needs a tab between file and caption"),
  ],
)
def test_wrong_lists_name_the_line(photos, change, message):
  write(photos, "captions.txt")
  (photos / "notes.md").write_text("")
  path = photos / "captions.txt"
  path.write_text(change(path.read_text("utf-8")), "utf-8")
  with pytest.raises(UserError) as e:
    load(f"folder:{photos}")
  assert message in str(e.value) and "\n" not in str(e.value)


@pytest.mark.parametrize(
  "line, message",
  [
    ("{", "line 1: is no JSON"),
    ("[1]", "line 1: needs one text 'file'"),
    ('{"file": "0.png"}', "line 1: needs one text 'caption' or 'text'"),
    ('{"file": "0.png", "caption": ["a", "b"]}', "line 1: needs one text 'caption'"),
  ],
)
def test_wrong_lines_of_json_are_named(photos, line, message):
  (photos / "captions.jsonl").write_text(line)
  with pytest.raises(UserError) as e:
    load(f"folder:{photos}")
  assert message in str(e.value) and "\n" not in str(e.value)


def test_text_that_is_no_utf8_is_named(photos):
  (photos / "0.txt").write_bytes(b"\xff\xfe\x00")
  with pytest.raises(UserError, match=r"0\.txt can't be read as UTF-8"):
    load(f"folder:{photos}")
  (photos / "0.txt").write_text("a dog")
  with pytest.raises(UserError, match=r"5 of \d images have no caption, first .*2\.png"):
    load(f"folder:{photos}")
