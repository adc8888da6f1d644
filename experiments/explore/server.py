"""The server of the page: on this machine alone, from memory alone, one line for what is wrong.

It answers GET of the page's three parts, of /runs and of /training, and POST /ask: {"page": a
page's own id, "run": a name, "what": a question, ...the question's fields}. A question that waits
while the same page asks another is answered {"replaced": true}. Of a training, "pause" and "resume"
are the questions.
"""

import collections
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import inspect
import json
import logging
from pathlib import Path
import threading

import numpy as np

from experiments.explore.questions import QUESTIONS
from experiments.explore.subject import Subject
from genjax_zoo.core import UserError

HERE = Path(__file__).parent
PARTS = {
  "/": ("page.html", "text/html"),
  "/page.css": ("page.css", "text/css"),
  "/page.js": ("page.js", "text/javascript"),
}
SWITCHES = "pause", "resume"  # Of a training.
LONGEST = 1_000_000  # Bytes of a question.
AT_ONCE = 32  # Connections that are served at once.
PAGES = 64  # Pages whose newest question is remembered,
SUBJECTS = 8  # and models that stay loaded.
SECONDS = 10  # That a client may take to send a question.
# Nothing from elsewhere is loaded or asked, and nobody else's page may frame this one.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"  # fmt: skip  # noqa: E501


class Turns:
  """Whose turn it is: one question at a time, and of a page's waiting ones the newest alone."""

  def __init__(self):
    self.computing = threading.Lock()
    self.counting = threading.Lock()
    self.newest = collections.OrderedDict()

  def take(self, page: str, answer):
    """`answer()` when its turn comes; {"replaced": True} if the page has asked anew meanwhile."""
    with self.counting:
      mine = self.newest[page] = self.newest.pop(page, 0) + 1
      while len(self.newest) > PAGES:
        self.newest.popitem(last=False)
    with self.computing:
      with self.counting:
        replaced = self.newest.get(page) != mine
      return {"replaced": True} if replaced else answer()


class Server(ThreadingHTTPServer):
  """The server of some models, by the names that `genjax_zoo.load` knows."""

  daemon_threads = True
  request_queue_size = 128

  def __init__(self, names: list[str], port: int, titles: dict[str, str] = {}, training=None):
    super().__init__(("127.0.0.1", port), Handler)
    self.names = names
    self.titles = titles
    self.training = training
    self.turns = Turns()
    self.places = threading.BoundedSemaphore(AT_ONCE)
    self.subjects = collections.OrderedDict()
    self.hosts = {f"{host}:{self.server_port}" for host in ("127.0.0.1", "localhost")}
    self.parts = {path: ((HERE / name).read_bytes(), kind) for path, (name, kind) in PARTS.items()}

  def subject(self, name: str) -> Subject:
    """A model, loaded once; of many the ones used last stay. Raises UserError for another name."""
    if name not in self.names:
      raise UserError(f"run: there is no {name!r} here")
    self.subjects[name] = self.subjects.pop(name, None) or Subject(name)
    while len(self.subjects) > SUBJECTS:
      self.subjects.popitem(last=False)
    return self.subjects[name]

  def process_request_thread(self, request, client_address):
    """Serves a connection, or closes it where too many are open."""
    if not self.places.acquire(blocking=False):
      self.shutdown_request(request)
      return
    try:
      super().process_request_thread(request, client_address)
    finally:
      self.places.release()

  def handle_error(self, request, client_address):
    """A client that went away is no error."""


class Handler(BaseHTTPRequestHandler):
  """One request of the page."""

  timeout = SECONDS
  server_version = "genjax_zoo"
  sys_version = ""

  def do_GET(self):
    """Sends a part of the page, or the names of the models."""
    if not self.is_local():
      return
    if self.path == "/runs":
      self.send_json(
        200, [{"name": n, "title": self.server.titles.get(n, n)} for n in self.server.names]
      )
    elif self.path == "/training" and self.server.training:
      self.send_json(200, self.server.training.seen())
    elif self.path in self.server.parts:
      self.send(200, *self.server.parts[self.path])
    else:
      self.send_json(404, {"error": "there is no such page"})

  def do_POST(self):
    """Answers a question."""
    if not self.is_local():
      return
    try:
      question = self.question()
      page, name, what, fields = checked(question)
      answer = self.server.turns.take(page, lambda: self.asked(name, what, fields))
    except UserError as e:
      self.send_json(400, {"error": str(e)})
    except TimeoutError:
      self.close_connection = True
    except Exception as e:  # The server goes on.
      logging.exception("a question failed")
      reason = (str(e).splitlines() or [""])[0][:300]
      self.send_json(500, {"error": f"{type(e).__name__}: {reason}"})
    else:
      self.send_json(200, answer)

  def asked(self, name: str, what: str, fields: dict) -> dict:
    """The answer of a checked question."""
    if what in SWITCHES:
      return self.switched(what)
    subject = self.server.subject(name)
    return subject.about() if what == "about" else QUESTIONS[what](subject, **fields)

  def switched(self, what: str) -> dict:
    """Pauses or resumes the training. Raises UserError where there is none."""
    if self.server.training is None:
      raise UserError("nothing is being trained here")
    paused = self.server.training.paused
    paused.set() if what == "pause" else paused.clear()
    return {"paused": paused.is_set()}

  def question(self):
    """The JSON of a request. Raises UserError for a body that is none, or too long."""
    if self.path != "/ask":
      raise UserError("questions go to /ask")
    if self.headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
      raise UserError("a question is application/json")
    length = self.headers.get("Content-Length", "")
    if not length.isascii() or not length.isdigit():
      raise UserError("a question has a Content-Length")
    if int(length) > LONGEST:
      self.close_connection = True
      raise UserError(f"a question has at most {LONGEST:,} bytes, not {int(length):,}")
    body = self.rfile.read(int(length))
    try:
      return json.loads(body, parse_constant=lambda name: None)
    except (ValueError, RecursionError) as e:
      raise UserError("a question is JSON") from e

  def is_local(self) -> bool:
    """Whether a request is of this machine's own page; answers 403 where it isn't."""
    host = self.headers.get("Host", "")
    origin = self.headers.get("Origin")
    if host in self.server.hosts and origin in (None, f"http://{host}"):
      return True
    self.close_connection = True
    self.send_json(403, {"error": "only this machine's own page may ask"})
    return False

  def send_json(self, status: int, content):
    """Sends JSON; numbers that are not finite are null."""
    text = json.dumps(content, default=plain)
    self.send(status, text.encode(), "application/json")

  def send(self, status: int, content: bytes, kind: str):
    """Sends a response, which nobody else may keep, frame or read."""
    self.send_response(status)
    self.send_header("Content-Type", f"{kind}; charset=utf-8")
    self.send_header("Content-Length", str(len(content)))
    self.send_header("Cache-Control", "no-store")
    self.send_header("Content-Security-Policy", POLICY)
    self.send_header("X-Content-Type-Options", "nosniff")
    self.end_headers()
    self.wfile.write(content)

  def log_message(self, format, *args):
    """Says nothing: requests are the page's own."""


def watched(training, port: int) -> Server:
  """A server of a training, that runs in a thread of its own; `close` it at the end.

  It takes another port where `port` is not free.
  """
  try:
    server = Server([], port, training=training)
  except OSError:
    server = Server([], 0, training=training)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  return server


def plain(x):
  """NumPy's numbers as JSON's."""
  if isinstance(x, (np.generic, np.ndarray)):
    return x.tolist()
  raise TypeError(f"{type(x).__name__} is no JSON")


def checked(question) -> tuple[str, str, str, dict]:
  """(page, run, what, fields) of a question. Raises UserError for fields of another form."""
  if not isinstance(question, dict):
    raise UserError("a question is a JSON object")
  fields = dict(question)
  head = {k: fields.pop(k, None) for k in ("page", "run", "what")}
  for k, value in head.items():
    if not isinstance(value, str) or len(value) > 500:
      raise UserError(f"{k}: a question names it by a short text")
  what = head["what"]
  if what not in {*QUESTIONS, "about", *SWITCHES}:
    raise UserError(f"what={what!r}: there are {', '.join(QUESTIONS)}")
  wanted = inspect.signature(QUESTIONS[what]).parameters if what in QUESTIONS else {}
  types = {k: p.annotation for k, p in wanted.items() if k != "subject"}
  for k in sorted(fields.keys() ^ types.keys()):
    raise UserError(f"{what} takes no {k!r}" if k in fields else f"{what} needs {k!r}")
  for k, value in fields.items():
    if type(value) is not types[k]:
      raise UserError(f"{k}: it must be of type {types[k].__name__}")
    if types[k] is int and not 0 <= value < 2**31:
      raise UserError(f"{k}={value}: from 0 to {2**31 - 1}")
  return head["page"], head["run"], what, fields
