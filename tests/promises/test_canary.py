"""No secret leaves the engine: an end-to-end run, and a look at every byte that it has written."""

import json
import os
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest

import engine
from tests.promises.canaries import Canaries
from tests.store.postgres_server import PostgresServer

CANARIES = Canaries(
    token='tokenCanary/"1&+=?ü~of-a-parameter',
    pin="730194628",
    card="4929cardCanary7766",
    bearer="bearerCanary/+=of-a-variable",
    word="wordCanary-of-the-file",
    sign="signCanary-of-the-file",
    variable="variableCanary of the settings",
    api_secret="apiCanary-of-the-settings",
    twilio="twilioCanary-of-the-settings",
    database="databaseCanary@of/the:settings",
    early="earlyCanary-of-a-callback",
    brought="broughtCanary-by-an-answer",
    default="defaultCanary-of-the-file",
)
SECRETS = {
    "token": CANARIES.token,
    "pin": int(CANARIES.pin),
    "card": {"number": CANARIES.card, "of": [CANARIES.token]},
}
LEAKY = """
process: leaky
params:
  token: {type: string, secret: true}
  pin: {type: number, secret: true}
  card: {type: object, secret: true}
  brought: {type: string, secret: true}
  usual: {type: string, secret: true, default: DEFAULT}
  early: {type: string, secret: true}
  way: {type: string}
nodes:
  start: {type: start, next: derive}
  derive:
    type: set_parameter
    set:
      plain: "the token is {{ token }}"
      numbers: "{{ pin }} and {{ card.number }}"
      nested: {list: ["{{ card }}", "{{ token }}", "{{ pin }}"], "{{ token }}": 1}
      base64: "{{ ('user:' ~ token) | base64_encode }}"
      url: "{{ token | urlencode }}"
      json: "{{ card | tojson }}"
      variable: "{{ env.CANARY_VARIABLE }}"
    next: which
    error: failed
  which:
    type: condition
    cases:
      - {when: "way == 'convert'", next: convert}
      - {when: "way == 'echo'", next: echo}
      - {when: "way == 'refuse'", next: refuse}
      - {when: "way == 'sign'", next: sign}
      - {when: "way == 'gone'", next: gone}
      - {when: "way == 'throw'", next: throw}
      - {when: "way == 'copy'", next: copy}
      - {when: "way == 'call'", next: call}
      - {when: "way == 'stay'", next: stay}
    else: done
  convert: {type: set_parameter, set: {n: "{{ ('x' ~ token) | number }}"}, next: done, error: failed}
  echo:
    type: api_call
    url: "SERVICE/echo?key={{ token | urlencode }}"
    headers: {X-Key: "{{ card.number }}"}
    auth: {bearer: "{{ env.CANARY_BEARER }}"}
    json: {token: "{{ token }}", card: "{{ card }}"}
    next: done
    error: failed
  refuse:
    type: api_call
    url: "SERVICE/refuse"
    auth: {user: someone, password: WORD}
    query: {key: "{{ token }}"}
    form: {token: "{{ token }}", pin: "{{ pin }}"}
    response: {brought: "{{ body.brought }}"}
    next: done
    error: failed
  sign:
    type: api_call
    url: "SERVICE/refuse"
    sign_secret: SIGN
    body: "{{ card.number }} {{ env.CANARY_BEARER }}"
    auth: {bearer: "{{ token | base64_encode }}"}
    next: done
    error: failed
  gone:
    type: api_call
    url: "http://me:{{ pin }}@127.0.0.1:1/{{ card.number }}"
    next: done
    error: failed
  throw: {type: code, source: "throw new Error(data.token + encodeURIComponent(data.pin))", next: done, error: failed}
  copy: {type: copy_task, process: vault, ref: kept, data: {token: "{{ token }}"}, next: done, error: failed}
  call:
    type: call_process
    process: vault
    data: {token: "{{ token }}", refuse: "yes"}
    timeout: {after: 1h, next: failed}
    next: done
    error: failed
  stay: {type: waiting_for_callback, match: {ref: ref}, timeout: {after: 1h, next: failed}, next: done}
  done: {type: end}
  failed: {type: end, result: error}
"""
VAULT = """
process: vault
params:
  token: {type: string, required: true, secret: true}
  refuse: {type: string}
nodes:
  start: {type: start, next: which}
  which: {type: condition, cases: [{when: "refuse == 'yes'", next: refuse}], else: stay}
  refuse: {type: reply_to_process, exception: "no {{ token }}", next: done}
  stay: {type: waiting_for_callback, match: {ref: ref}, timeout: {after: 1h, next: failed}, next: park}
  park: {type: set_parameter, set: {n: "{{ ('x' ~ token) | number }}"}, next: done, error: failed}
  done: {type: end}
  failed: {type: end, result: error}
"""
WAYS = {
    "convert": "set_param_wrong_convert_param",
    "refuse": "api_bad_answer",
    "sign": "api_bad_answer",
    "gone": "api_connection_error",
    "throw": "code_executing_error",
    "call": "rpc_reply_exception",
}
KEPT_FOR_THE_AUTHOR = ("processes", "keys")


class _Service(BaseHTTPRequestHandler):
    """Answers with all that it was told, in forms of its own."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        heard = f"{self.headers['Authorization']} {self.headers['X-Key']} {self.path} {body}"
        answer = {
            "heard": heard,
            "again": json.dumps(heard),
            "base64": b64encode(heard.encode()).decode(),
            "url": quote(heard, safe="") + quote_plus(heard),
            "hex": heard.encode().hex(),
            "brought": CANARIES.brought,
        }
        if self.path.startswith("/refuse"):
            answer = {"brought": CANARIES.brought, "heard": heard}
        text = json.dumps(answer).encode()
        self.send_response(400 if self.path.startswith("/refuse") else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Run:
    """A workspace, an engine that serves it, and all that both say."""

    def __init__(self, folder, database, service):
        self.folder = folder
        self.database = database
        self.said = []
        self.answers = []
        processes = folder / "processes"
        processes.mkdir(parents=True)
        text = LEAKY.replace("SERVICE", service).replace("WORD", CANARIES.word)
        text = text.replace("SIGN", CANARIES.sign).replace("DEFAULT", CANARIES.default)
        (processes / "leaky.yaml").write_text(text)
        (processes / "vault.yaml").write_text(VAULT)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ENGINE_")},
            "PYTHONPATH": str(Path(engine.__file__).parents[1]),
            "NO_COLOR": "1",
            "COLUMNS": "500",
            "CANARY_BEARER": CANARIES.bearer,
            "CANARY_VARIABLE": CANARIES.variable,
            "ENGINE_SECRET_VARIABLES": "CANARY_VARIABLE, CANARY_BEARER",
            "ENGINE_DATABASE": database,
            "ENGINE_KEY_FILE": str(folder / "keys"),
            "ENGINE_API_LOGIN": "someone",
            "ENGINE_API_SECRET": CANARIES.api_secret,
            "ENGINE_TWILIO_AUTH_TOKEN": CANARIES.twilio,
            "ENGINE_LOG_LEVEL": "debug",
            "ENGINE_LEASE_SECONDS": "1",
            "ENGINE_ALLOW_HOSTS": "127.0.0.1",
        }

    def command(self, *arguments, **environment):
        """Runs a command; gives what it printed."""
        done = subprocess.run(
            (sys.executable, "-m", "engine", *arguments),
            cwd=self.folder,
            env={**self._environment, **environment},
            capture_output=True,
            timeout=120,
            check=False,
        )
        self.said.append(done.stdout + done.stderr)
        return done

    @contextmanager
    def serving(self, how):
        """Serves until the end of the block, then is sent a signal."""
        log = self.folder.parent / "log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                (sys.executable, "-m", "engine", "serve", "--port", "0"),
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.PIPE,
            )
        with process:
            try:
                yield from self._asking(process)
            except BaseException:
                process.kill()
                raise
            process.send_signal(how)
            process.wait(60)

    def _asking(self, process):
        for line in process.stderr:
            self.said.append(line)
            if b"serving" in line:
                break
        url = line.split(b"serving ")[1].split()[0].decode()
        # Read to its end, so that it never waits for its log to be read.
        threading.Thread(target=lambda: self.said.append(process.stderr.read())).start()
        login = ("someone", CANARIES.api_secret)
        with httpx.Client(base_url=url, auth=login, trust_env=False, timeout=60) as http:
            http.event_hooks = {"response": [self._note]}
            self._environment["ENGINE_SERVER"] = url
            yield http
            del self._environment["ENGINE_SERVER"]

    def _note(self, response):
        # What we said ourselves is not of the engine's making.
        head = "".join(f"{name}: {value}\n" for name, value in response.headers.items())
        self.answers.append(head.encode() + response.read())


@pytest.fixture
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["sqlite", "postgres"])
def run(request, tmp_path, service):
    folder = tmp_path / "workspace"
    if request.param == "sqlite":
        run = Run(folder, f"sqlite:///{folder}/engine.db", service)
        run.data = folder
        yield run
        return
    server = PostgresServer(auth="scram-sha-256", password=CANARIES.database)
    server.start()
    login = f"postgres:{quote(CANARIES.database, safe='')}"
    run = Run(folder, server.url(login=login), service)
    run.data = server._data
    yield run
    server.remove()


def submit(http, way, **more):
    return http.post(
        "/v1/processes/leaky/tasks",
        params={"wait": "30"} if way != "stay" else {},
        json={"ref": f"the-{way}", "data": {**SECRETS, "way": way, **more}},
        headers={"Idempotency-Key": f"key-of-{way}"},
    )


def use_everything(run, http):
    """Goes every way of the processes, and asks for everything that can be shown."""
    for way, tag in WAYS.items():
        task = submit(http, way).json()
        assert task["error"]["tag"] == tag, task
        assert "***" in task["error"]["description"] or way == "gone"
        again = submit(http, way)
        assert again.headers["idempotent-replayed"] == "true"
    assert submit(http, "echo").json()["status"] == "success"
    assert submit(http, "copy").json()["status"] == "success"
    stay(run, http)
    http.post("/v1/processes/leaky/tasks", json={"data": {"toll": CANARIES.token}})
    http.post("/v1/processes/leaky/tasks", json={"data": {"pin": CANARIES.token}})
    http.post("/v1/processes/leaky/tasks", content=b'{"data": {"token": "' + b"x")
    http.patch("/v1/processes/vault/tasks/kept", json={"data": {"token": CANARIES.token}})
    for path in (
        "/v1/processes",
        "/v1/processes/leaky/tasks?limit=100",
        "/v1/processes/vault/tasks?limit=100",
        "/v1/undelivered",
        "/metrics",
        "/",
        "/openapi.json",
        *(f"/v1/processes/leaky/tasks/the-{way}?history=1" for way in (*WAYS, "echo", "stay")),
        "/v1/processes/vault/tasks/kept?history=1",
    ):
        assert http.get(path).status_code == 200, path
    http.post("/v1/processes/leaky/tasks/the-convert/rerun", json={})


def stay(run, http):
    """A callback comes before its task, and one that nobody ever takes."""
    url = run.command("callback-url", "leaky", "stay").stdout.decode().strip()
    path = url[url.index("/api/") :]
    http.post(path, json={"ref": "the-stay", "early": CANARIES.early, "plain": CANARIES.early})
    http.post(path, json={"ref": "nobody", "early": CANARIES.early})
    assert submit(http, "stay").json()["status"] == "success"


def use_commands(run):
    assert b"***" in run.command("show", "leaky", "the-convert").stdout
    for arguments in (
        ("show", "leaky", "the-echo", "--json"),
        ("explain", "leaky", "the-refuse"),
        ("explain", "vault", "kept"),
        ("tasks", "leaky", "--json"),
        ("tasks", "leaky"),
        ("stats",),
        ("stats", "--json"),
        ("check", "processes"),
        ("graph", "leaky", "--format", "svg"),
        ("rerun", "leaky", "the-sign"),
        ("submit", "leaky", "-d", CANARIES.token),
        ("submit", "leaky", "-j", f"pin={CANARIES.token}"),
        ("submit", "leaky", "--data", f'{{"token": "{CANARIES.card}'),
        ("submit", "leaky", "-d", f"token={CANARIES.card}", "--json"),
        ("--debug", "show", "leaky", "the-gone", "--json"),
    ):
        run.command(*arguments)
    run.command("stats", ENGINE_SERVER="", ENGINE_DATABASE=f"mysql://me:{CANARIES.word}@h/d")


def found(run):
    """Every leak there is, by where it is."""
    return {
        **CANARIES.in_folder(run.folder, but=KEPT_FOR_THE_AUTHOR),
        **CANARIES.in_folder(run.data, but=KEPT_FOR_THE_AUTHOR),
        **{f"said {text!r:.2000}": leak for text in run.said if (leak := CANARIES.in_bytes(text))},
        **{
            f"answer {text!r:.2000}": leak
            for text in run.answers
            if (leak := CANARIES.in_bytes(text))
        },
    }


def test_no_canary_gets_out(run):
    run.command("secrets", "new-key")
    with run.serving(signal.SIGKILL) as http:
        use_everything(run, http)
        use_commands(run)
        while_it_works = found(run)
    after_its_death = found(run)
    run.command("secrets", "new-key")
    rotated = run.command("secrets", "rotate", "--json")
    with run.serving(signal.SIGTERM) as http:
        assert http.get("/v1/processes/vault/tasks/kept").json()["data"]["token"] == "***"
        use_commands(run)

    assert json.loads(rotated.stdout)["rows"] > len(WAYS)
    assert while_it_works == {}
    assert after_its_death == {}
    assert found(run) == {}
    assert len(run.answers) > 30


FORMS = [
    CANARIES.token,
    CANARIES.token[:20],
    json.dumps(CANARIES.token),
    quote(CANARIES.token, safe=""),
    quote(CANARIES.token, safe="").replace("%C3%BC", "%c3%bc").replace("%2F", "%2f").lower(),
    quote_plus(CANARIES.variable),
    b64encode(CANARIES.token.encode()).decode(),
    b64encode(f"user:{CANARIES.word}".encode()).decode(),
    b64encode(f"users:{CANARIES.word}".encode()).decode(),
    b64encode(f"him:{CANARIES.word}:and more".encode()).decode(),
    CANARIES.card.encode().hex(),
]


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form != form.lower() or "%" not in form]
)
def test_a_canary_that_is_planted_is_found(tmp_path, form):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"\x00\xff some bytes " + form.encode() + b"\n")
    (tmp_path / "innocent").write_bytes(b"*** and nothing else")

    leaks = CANARIES.in_folder(tmp_path)

    assert list(leaks) == ["deep/log"]
    assert CANARIES.in_folder(tmp_path, but=("deep",)) == {}
