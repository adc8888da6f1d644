"""The page in a real browser: what a model can do is there, and what is touched changes."""

import shutil
import threading

import pytest

from experiments import pipeline
from experiments.explore.server import Server, watched
from experiments.explore.watching import Watching
from genjax_zoo.published import PREFIX, pretrained

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def browser():
  names = "chromium", "chromium-browser", "google-chrome"
  path = next(filter(None, map(shutil.which, names)), None)
  if path is None:
    pytest.skip("no chromium is installed")
  with playwright.sync_playwright() as p:
    found = p.chromium.launch(executable_path=path, args=["--no-sandbox"])
    yield found
    found.close()


@pytest.fixture
def page(browser):
  """A page whose errors, in its console too, fail the test."""
  errors = []
  made = browser.new_page(viewport={"width": 1200, "height": 900}, bypass_csp=True)
  made.set_default_timeout(120_000)
  made.on("pageerror", lambda error: errors.append(str(error)))
  made.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
  made.on("request", lambda r: errors.append(r.url) if not local(r.url) else None)
  yield made
  made.close()
  # A model page asks whether it is one of a training, and a word that is not known is refused.
  assert not [e for e in errors if "404" not in e and "400" not in e]


def local(url: str) -> bool:
  return url.startswith(("http://127.0.0.1:", "data:"))


@pytest.fixture
def address():
  """`f(names)` starts a server of these models, and returns its address."""
  servers = []

  def serve(names):
    servers.append(Server(names, 0))
    threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{servers[-1].server_port}/"

  yield serve
  for server in servers:
    server.shutdown()
    server.server_close()


SHOWN = "img, canvas, ol"


def shown(page, section: str) -> str:
  """What a section shows, once it shows something and is at rest."""
  output = f"{section} div:has(> p.soft)"
  page.wait_for_function(
    "s => { const n = document.querySelector(s);"
    " return n && !n.classList.contains('busy') && n.querySelector('img, canvas, ol') }",
    arg=output,
  )
  error = page.query_selector(f"{output} .wrong")
  assert error is None, error.inner_text()
  return page.evaluate(
    "s => { const n = document.querySelector(s).querySelector('img, canvas, ol');"
    " return n.tagName === 'CANVAS' ? n.toDataURL() : n.src || n.innerText }",
    output,
  )


def changes(page, section: str, act):
  """What a section shows after `act` and before it: they differ."""
  before = shown(page, section)
  act()
  page.wait_for_function(
    "([s, old]) => { const n = document.querySelector(s).querySelector('img, canvas, ol');"
    " return (n.tagName === 'CANVAS' ? n.toDataURL() : n.src || n.innerText) !== old }",
    arg=[f"{section} div:has(> p.soft)", before],
  )


def touch_samples(page, about: dict):
  """Gives the model other words and numbers, takes fewer steps, turns what is solid."""
  kinds = {entry["kind"]: entry for entry in about["given"]}
  if words := kinds.get("text", {}).get("words"):
    caption = page.locator(".samples input[type=text]").first
    caption.fill("xyzzy")
    caption.press("Enter")
    assert "xyzzy" in page.wait_for_selector(".samples .wrong").inner_text()
    caption.fill(words[0])
    caption.press("Enter")
    page.wait_for_selector(".samples .wrong", state="detached")
  if "numbers" in kinds:
    slider = page.locator(".samples .bar input[type=range]").first
    changes(page, ".samples", lambda: slider.fill(slider.get_attribute("max")))
  if "steps" in [option["name"] for option in about["options"]]:
    steps = page.get_by_label("steps", exact=True).first
    changes(page, ".samples", lambda: (steps.fill("5"), steps.press("Enter")))
  if canvas := page.query_selector(".samples .clouds canvas"):
    changes(page, ".samples", lambda: canvas.press("ArrowRight"))
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + 90)
    page.mouse.down()
    changes(page, ".samples", lambda: page.mouse.move(box["x"] + 130, box["y"] + 60))
    page.mouse.up()
  if picture := page.query_selector(".samples div > img"):
    assert page.get_attribute(".samples a", "href") == picture.get_attribute("src")


def touch(page, about: dict):
  """Uses all that the page offers of a model."""
  if about["options"] is not None:
    changes(page, ".samples", lambda: page.click("#another"))
    assert "batch = run.sample(" in page.text_content(".samples pre")
    touch_samples(page, about)
  if about["latents"]:
    slider = page.locator(".latents .sliders input").first
    changes(page, ".latents", lambda: slider.fill(slider.get_attribute("max")))
    page.click(".walk button >> nth=0")
    page.click(".latents button >> nth=0")
    page.click("text=Walk to here")
    page.wait_for_selector(".latents > div:last-child img, .latents > div:last-child canvas")
    if about["latents"]["map"]:
      changes(page, ".latents", lambda: page.click(".map", position={"x": 30, "y": 40}))
    if about["latents"]["classes"]:
      page.click(".arithmetic button")
  if about["chain"]:
    page.click(".chain button")
    scrubber = page.get_by_label("from noise to data")
    changes(page, ".chain", lambda: scrubber.fill("0"))
  if page.query_selector(".completions"):
    page.click(".completions .mask", position={"x": 5, "y": 5})
    shown(page, ".completions")
  if about["restores"]:
    row = page.locator(".restorations input")
    changes(page, ".restorations", lambda: (row.fill("3"), row.press("Enter")))


def open_model(page, address: str, width: int = 1200):
  page.set_viewport_size({"width": width, "height": 900})
  page.goto(address)
  page.wait_for_selector("article section")


def about_first(page) -> dict:
  """What the server says of the model on the page."""
  return page.evaluate(
    "async () => (await (await fetch('/ask', {method: 'POST', headers: {'Content-Type':"
    " 'application/json'}, body: JSON.stringify({page: 'test', run:"
    " document.querySelector('#left').value, what: 'about'})})).json())"
  )


def test_what_is_touched_changes(page, address, tmp_path):
  folder = str(tmp_path / "cvae")
  pipeline.perform("train_only", "cvae_digits:smoke", folder)
  open_model(page, address([folder]))
  touch(page, about_first(page))
  page.select_option("#right", index=1)
  page.wait_for_selector("article >> nth=1")
  both = page.evaluate("[...document.querySelectorAll('.samples img')].length")
  page.wait_for_function("document.querySelectorAll('.samples img').length === 2")
  assert both <= 2
  # The same model beside itself, from the same seed, makes the same.
  pictures = "[...document.querySelectorAll('.samples img')].map((n) => n.src)"
  page.wait_for_function(f"new Set({pictures}).size === 1")
  changes(page, ".samples", lambda: page.click("#another"))
  page.wait_for_function(f"new Set({pictures}).size === 1")


def test_a_narrow_page_is_not_wider_than_its_window(page, address, tmp_path):
  folder = str(tmp_path / "cvae")
  pipeline.perform("train_only", "cvae_digits:smoke", folder)
  open_model(page, address([folder]), 400)
  shown(page, ".latents")
  assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_training_is_seen_and_paused(page):
  training = Watching()
  plane = {"extent": [-1, 1, -1, 1], "data": [[0, 0]], "density": [0.0, 1.0, 0.0, 1.0]}
  training.state |= {"name": "toy", "step": 5, "steps": 10, "shown": {"step": 5, "plane": plane}}
  training.curves = {"loss": [[1, 2.0], [5, 1.0]]}
  server = watched(training, 0)
  page.goto(f"http://127.0.0.1:{server.server_port}/")
  page.wait_for_selector(".training .side canvas")
  assert page.inner_text(".training p") == "step 5 of 10; below, step 5"
  assert page.inner_text(".curves figcaption") == "loss: 1, from 1 to 2"
  page.click("#pause")
  page.wait_for_selector("text=Resume")
  assert training.paused.is_set()
  training.state |= {"step": 6, "shown": {"step": 6, "error": "KeyError: x"}}
  page.wait_for_selector(".training .wrong >> text=KeyError: x")
  page.click("#pause")
  page.wait_for_selector("text=Pause")
  assert not training.paused.is_set()
  page.close()
  server.shutdown()
  server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("name", pretrained())
def test_a_pretrained_model_is_touched(page, address, name):
  open_model(page, address([PREFIX + name]))
  touch(page, about_first(page))
