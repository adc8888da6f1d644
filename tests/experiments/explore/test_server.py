"""The page's server: a wrong request is answered in a line or refused, and the next one served."""

import concurrent.futures
import http.client
import json
import resource
import socket
import threading
import time

import pytest

from experiments.explore import server as serving
from experiments.explore.questions import QUESTIONS

GOOD = {"page": "p", "run": "toy", "what": "prior", "seed": 3}


@pytest.fixture
def server(monkeypatch):
  """A server of one model "toy", whose prior is its seed."""
  monkeypatch.setitem(QUESTIONS, "prior", prior)
  made = serving.Server(["toy"], 0, {"toy": "a toy"})
  made.subject = lambda name: serving.Server.subject(made, name) and name
  threading.Thread(target=made.serve_forever, daemon=True).start()
  yield made
  made.shutdown()
  made.server_close()


def prior(subject, seed: int) -> dict:
  return {"z": [seed]}


def ask(server, question, path="/ask", method="POST", **headers):
  """(status, answer) of a request; what is text or bytes is sent as it is."""
  body = question if isinstance(question, (str, bytes)) else json.dumps(question)
  connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
  sent = {"Content-Type": "application/json", "Host": f"127.0.0.1:{server.server_port}"}
  try:
    connection.request(
      method, path, body, sent | {k.replace("_", "-"): v for k, v in headers.items()}
    )
    response = connection.getresponse()
    return response.status, response.read()
  finally:
    connection.close()


def test_a_question_is_answered(server):
  status, answer = ask(server, GOOD)
  assert (status, json.loads(answer)) == (200, {"z": [3]})
  status, answer = ask(server, "", "/runs", "GET")
  assert json.loads(answer) == [{"name": "toy", "title": "a toy"}]


def test_the_page_is_three_parts_and_no_other_file_is_served(server):
  for path, begins in (("/", b"<!doctype"), ("/page.css", b":root"), ("/page.js", b'"use strict"')):
    status, content = ask(server, "", path, "GET")
    assert status == 200
    assert content.startswith(begins)
    assert b"http://" not in content
    assert b"https://" not in content
  for path in ("/server.py", "/../server.py", "/page.js/../server.py", "//etc/passwd", "/%2e%2e/x"):
    assert ask(server, "", path, "GET")[0] == 404


def bad_questions() -> list:
  """Questions that are wrong, each with a part of what is said about it."""
  wrong = [
    ([], "a JSON object"),
    ("{", "a question is JSON"),
    ("[" * 100_000, "a question is JSON"),
    (b"\xff\xfe", "a question is JSON"),
    ("1" * 10_000, "a question is JSON"),
    ('"text"', "a JSON object"),
    (GOOD | {"run": "../../etc"}, "there is no '../../etc' here"),
    (GOOD | {"run": 7}, "run: a question names it by a short text"),
    (GOOD | {"page": None}, "page: a question names it"),
    (GOOD | {"page": "x" * 501}, "page: a question names it"),
    (GOOD | {"what": "delete"}, "what='delete': there are sample, complete"),
    (GOOD | {"more": 1}, "prior takes no 'more'"),
    ({k: v for k, v in GOOD.items() if k != "seed"}, "prior needs 'seed'"),
  ]
  wrong += [(GOOD | {"seed": x}, "type int") for x in ("3", 3.0, None, [3], {}, True, "x" * 1000)]
  wrong += [(GOOD | {"seed": x}, "from 0 to") for x in (-1, 2**31, 10**30, -(10**30))]
  return wrong


@pytest.mark.parametrize("question, said", bad_questions())
def test_a_wrong_question_is_told_in_a_line(server, question, said):
  status, answer = ask(server, question)
  error = json.loads(answer)["error"]
  assert status == 400
  assert said in error
  assert "\n" not in error
  assert ask(server, GOOD)[0] == 200


def test_only_this_machine_s_own_page_may_ask(server):
  own = f"127.0.0.1:{server.server_port}"
  assert ask(server, GOOD, Origin=f"http://{own}")[0] == 200
  for origin in ("http://evil.example", "null", f"https://{own}", "http://127.0.0.1:1", ""):
    assert ask(server, GOOD, Origin=origin)[0] == 403
  for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1", ""):
    assert ask(server, GOOD, Host=host)[0] == 403
    assert ask(server, "", "/", "GET", Host=host)[0] == 403


def test_other_forms_of_a_request_are_refused(server):
  assert ask(server, GOOD, Content_Type="text/plain")[0] == 400
  assert ask(server, GOOD, path="/other")[0] == 400
  assert ask(server, GOOD, Content_Length="-1")[0] == 400
  assert ask(server, GOOD, Content_Length="1e3")[0] == 400
  assert b"at most 1,000,000 bytes" in ask(server, GOOD, Content_Length="99999999999")[1]
  for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
    assert ask(server, GOOD, method=method)[0] == 501


def test_half_a_body_is_given_up(server, monkeypatch):
  monkeypatch.setattr(serving.Handler, "timeout", 0.3)
  with socket.create_connection(("127.0.0.1", server.server_port)) as half:
    head = f"POST /ask HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    half.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
    half.settimeout(10)
    assert half.recv(100) == b""
  assert ask(server, GOOD)[0] == 200


def test_many_at_once_leave_the_server_alive_and_its_memory_level(server):
  def one(i):
    question, _ = bad_questions()[i % len(bad_questions())]
    try:
      return ask(server, question)[0]
    except OSError:  # Too many connections: closed.
      return 0

  with concurrent.futures.ThreadPoolExecutor(50) as pool:
    list(pool.map(one, range(50)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert set(pool.map(one, range(200))) <= {0, 400}
  assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB.
  assert ask(server, GOOD)[0] == 200


def test_of_a_page_s_waiting_questions_the_newest_is_answered_alone():
  turns = serving.Turns()
  begun, end = threading.Event(), threading.Event()
  answers = {}

  def slow():
    begun.set()
    end.wait(10)
    return {"n": 0}

  def put(n, answer):
    answers[n] = turns.take("page", answer)

  threads = [threading.Thread(target=put, args=(0, slow))]
  threads[0].start()
  begun.wait(10)
  for n in (1, 2, 3):
    threads.append(threading.Thread(target=put, args=(n, lambda n=n: {"n": n})))
    threads[-1].start()
    while turns.newest["page"] != n + 1:
      time.sleep(0.001)
  other = threading.Thread(target=lambda: answers.update(x=turns.take("x", lambda: {"n": 9})))
  other.start()
  end.set()
  for thread in [*threads, other]:
    thread.join(10)
  replaced = {"replaced": True}
  assert answers == {0: {"n": 0}, 1: replaced, 2: replaced, 3: {"n": 3}, "x": {"n": 9}}


def test_a_question_that_fails_is_told_and_the_next_one_is_served(server, monkeypatch):
  def fails(subject, seed: int) -> dict:
    raise ZeroDivisionError("first line\nsecond line")

  monkeypatch.setitem(QUESTIONS, "prior", fails)
  status, answer = ask(server, GOOD)
  assert (status, json.loads(answer)) == (500, {"error": "ZeroDivisionError: first line"})
  monkeypatch.setitem(QUESTIONS, "prior", prior)
  assert ask(server, GOOD)[0] == 200
