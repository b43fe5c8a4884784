"""No planted secret is found in any byte that a study leaves: databases, artifacts, reports, logs, the terminal."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import traceback
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.cli import cli
from harness.system.addresses import AddressFaultError, split_address
from harness.system.redaction import environment_secrets, mask_address, mask_diff, mask_secrets, mask_tree
from tests.security.conftest import STUDY, House
from tests.security.fuzz import fuzz

# One word for each place, so that what is found says where it came from. The hyphen makes encoding visible.
PLANTED = {
    place: f"qz-{place}-x7+k"
    for place in (
        "storage", "server", "query", "token", "password", "aws",
        "proxy", "override", "remote", "diff", "header", "error",
    )
}  # fmt: skip
BYTES = [
    form.encode()
    for word in PLANTED.values()
    for form in (word, quote(word, safe=""), base64.b64encode(f"me:{word}".encode()).decode())
]


def _checkout(folder: Path, environment: dict[str, str]) -> Path:
    """Return a git checkout of the package with a token in its remote and secrets in its uncommitted changes."""
    package = Path(harness.__file__).parent
    shutil.copytree(package, folder / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    remote = f"https://me:{PLANTED['remote']}@git.example/repo"
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True)
    with (folder / "harness" / "registry" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(f"\n# password = '{PLANTED['diff']}'\n")
        file.write(
            f"# {environment['AWS_SECRET_ACCESS_KEY']} and {environment['MLFLOW_TRACKING_TOKEN']} in plain sight\n"
        )
        file.write(f"# Authorization: Bearer {PLANTED['header']}\n# curl https://me:{PLANTED['remote']}@git.example\n")
        file.write("# a change that is to be recorded\n")
    return folder


def _found(content: bytes) -> list[str]:
    """Return the secrets in ``content``; the streams of a PDF are unpacked."""
    if content.startswith(b"%PDF"):
        for packed in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
            try:
                content += zlib.decompressobj().decompress(packed)
            except zlib.error:
                continue
    return [secret.decode() for secret in BYTES if secret in content]


@pytest.fixture
def closed_port() -> int:
    """Return a port of this machine at which nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_no_planted_secret_reaches_anything_that_is_written_or_shown(
    house: House, tmp_path_factory: pytest.TempPathFactory, closed_port: int
) -> None:
    planted = {
        "MLFLOW_TRACKING_TOKEN": PLANTED["token"],
        "MLFLOW_TRACKING_PASSWORD": PLANTED["password"],
        "AWS_SECRET_ACCESS_KEY": PLANTED["aws"],
        "HTTP_PROXY": f"http://me:{PLANTED['proxy']}@127.0.0.1:{closed_port}",
        "NO_PROXY": "127.0.0.1",
    }
    checkout = _checkout(tmp_path_factory.mktemp("checkout"), planted)
    place = f"127.0.0.1:{closed_port}"
    server = f"http://me:{PLANTED['server']}@{place}/?token={PLANTED['query']}"
    database = f"postgresql://me:{PLANTED['storage']}@{place}/optuna"
    search = ("--set", "search.trials=1", "--set", 'search.space={"train.lr"={low=1e-3,high=2e-3}}')
    failing = f"cannot reach {server}: 'token': '{PLANTED['error']}', key {PLANTED['aws']}"
    (house.folder / "typo.toml").write_text(STUDY.replace("[tracking]", f"[tracking]\nurl = '{server}'"))

    def order(arguments: list[str], fails_with: str | None = None) -> dict[str, object]:
        return {"arguments": arguments, "fails_with": fails_with}

    remote = [word for word in house.arguments() if not word.startswith("sqlite:")]
    remote[remote.index("--tracking-uri") :] = ["--device", "cpu", "--workers", "1", "--tracking-uri", server]
    orders = [
        # A whole study whose overrides hold a secret that is not used.
        order(house.arguments("--report", "data", "--set", f"tracking.uri=http://me:{PLANTED['override']}@{place}")),
        # A storage that cannot be reached; a server that is down; a wrong key whose value is shown.
        order(house.arguments("--set", f"search.storage={database}", *search)),
        order(remote),
        order(["run-study", str(house.folder / "typo.toml")]),
        order(["ui", "--tracking-uri", server]),
        order(["report", "toy", "--tracking-uri", server]),
        order(
            ["data", "fetch", "esc50", "--data-root", str(house.folder / "new"), "--url", server.replace("http", "ftp")]
        ),
        # Trainings whose error quotes what it met.
        order(house.arguments("--set", "study.seed=5"), failing),
    ]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("secrets_study.py"))],
        input=json.dumps(orders).encode(),
        capture_output=True,
        cwd=house.folder,
        env={**os.environ, **planted, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    output = done.stdout + done.stderr
    ends = [int(code) for code in re.findall(rb"exit code (\d+)", done.stdout)]
    assert len(ends) == len(orders), output.decode()[-3000:]
    # Of a server that is down a study is recorded and reported from this machine.
    assert ends == [0, 2, ends[2], 2, 2, 0, 2, ends[7]]
    assert b"Traceback" not in output
    assert _found(output) == []
    assert output.count(b"***") >= 5

    (house.folder / "typo.toml").unlink()
    files = [path for path in house.folder.rglob("*") if path.is_file()]
    found = {str(path): _found(path.read_bytes()) for path in files}
    assert not {path: secrets for path, secrets in found.items() if secrets}

    # The search looked where secrets could have been: the diff, the errors, the command line, the report.
    def of(name: str) -> list[bytes]:
        return [path.read_bytes() for path in files if path.match(name)]

    [diff] = set(of("*.diff")) | set(of("*.patch"))
    assert b"a change that is to be recorded" in diff
    assert b"*** and *** in plain sight" in diff
    assert any(b"http://me:***@" in facts for facts in of("environment.json"))
    assert any(b"cannot reach http://me:***@" in store for store in of("mlflow.db"))
    assert of("report.tex")


def test_secrets_of_the_environment_are_masked_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "abcd.efgh-1234")
    monkeypatch.setenv("https_proxy", "http://me:p@ss:word!@proxy:3128")
    monkeypatch.setenv("DB_PASSWORD", "short")
    monkeypatch.setenv("OLDPWD", "/home/somebody/place")
    monkeypatch.setenv("CREDENTIALS_FILE", "/home/somebody/file")
    assert {"abcd.efgh-1234", "p@ss:word!"} <= set(environment_secrets())
    assert not {"short", "/home/somebody/place", "/home/somebody/file"} & set(environment_secrets())
    assert mask_secrets("said p@ss:word! and abcd.efgh-1234.") == "said *** and ***."
    assert mask_tree({"a": ["abcd.efgh-1234"]}) == {"a": ["***"]}


WORDS = st.text(alphabet="abcdefghjkXYZ0123456789+/=_.~!$%^*()-", min_size=8, max_size=40).map(
    lambda word: f"q7{word}Z"
)
ODD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=6, max_size=30)
LINES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'\""), min_size=6, max_size=30)
BASE64 = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", min_size=64, max_size=64)
LETTERS = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=40, max_size=40)
# Every form in which a secret is known in a diff: what is around it ({} is the secret), of which signs it is made, and
# in which kinds of files it may be without quotes.
ANY, DATA = (".py", ".yaml", ".env", ".md"), (".yaml", ".env", ".netrc", "")
FORMS: dict[str, tuple[str, st.SearchStrategy[str], tuple[str, ...]]] = {
    "YAML": ("  password: {}", LINES, DATA),
    "YAML with words": ("password: {} and more", LINES, DATA),
    "YAML in a list": ("  - api_key: {}", LINES, DATA),
    "a key with a prefix": ("my.service-api-key: {}", WORDS, DATA),
    "INI": ("secret_key = {}", LINES, DATA),
    "netrc": ("machine host.example login me password {}", LINES, ANY),
    "netrc without a host": ("default login me password {}", LINES, ANY),
    "netrc over lines": ("machine host.example\n+  login me\n+  password {}", LINES, ANY),
    "a line of netrc": ("  password {}", LINES, ANY),
    "a header": ("X-Api-Key: {}", LINES, ANY),
    "a header in code": ('headers = {{"X-Auth-Token": "{}"}}', WORDS, ANY),
    "a cookie": ("Cookie: {}", LINES, ANY),
    "authorization": ("Authorization: Bearer {}", LINES, ANY),
    "authorization without a scheme": ("authorization: {}", WORDS, ANY),
    "an AWS key": ("id {}", LETTERS.map(lambda word: f"AKIA{word[:16]}"), ANY),
    "a GitHub token": ("x = f({})", LETTERS.map(lambda word: f"ghp_{word[:36]}"), ANY),
    "a GitLab token": ("{}", LETTERS.map(lambda word: f"glpat-{word[:20]}"), ANY),
    "a PEM": ("-----BEGIN RSA PRIVATE KEY-----\n+{}\n+-----END RSA PRIVATE KEY-----", LETTERS, ANY),
    "a PEM in a string": (r'k = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----"', WORDS, ANY),
    "a PEM whose end is not shown": ("-----BEGIN OPENSSH PRIVATE KEY-----\n+{}\n+", LETTERS, ANY),
    "a PEM whose begin is not shown": ("{}\n+-----END PRIVATE KEY-----", LETTERS, ANY),
    "the midst of a PEM": ("{}", BASE64.map(lambda word: f"aB1{word}"), ANY),
    "a variable": ("export DB_PASS={}", WORDS, ANY),
    "a variable of a key": ("SERVICE_KEY={}", WORDS, ANY),
    "a variable of a PAT": ("ENV GITHUB_PAT={}", WORDS, ANY),
    "a variable of a login": ("REGISTRY_AUTH: {}", LINES, DATA),
    "code": ("token = '{}'", LINES, ANY),
    "a keyword": ('connect(password="{}")', LINES, ANY),
    "JSON": ('"client_secret": "{}",', LINES, ANY),
    "a query": ("https://host.example/?sig={}&x=1", LETTERS, ANY),
    "a URI": ("postgresql://me:{}@host.example/db", LINES, ANY),
    "a URI with odd signs": ("url = 'http://me:{}@host.example:5000'", ODD.map(lambda word: f"q7{word}"), ANY),
    "a comment": ("# password: {}", WORDS, ANY),
    "a comment with a setting": ("# curl -d token={}", WORDS, ANY),
}


@pytest.mark.parametrize("form", FORMS)
@fuzz(40)
@given(data=st.data())
def test_no_secret_of_a_known_form_stays_in_a_diff(form: str, data: st.DataObject) -> None:
    around, signs, kinds = FORMS[form]
    secret, kind = data.draw(signs), data.draw(st.sampled_from(kinds))
    line = around.replace("{}", secret).replace("{{", "{").replace("}}", "}")
    diff = f"diff --git a/file{kind} b/file{kind}\n@@ -1 +1,2 @@\n one\n+{line}\n-two\n"
    masked = mask_diff(diff)
    assert secret not in masked
    assert "***" in masked
    assert masked.startswith("diff --git")
    assert masked.endswith("-two\n")


def _as_diff(name: str, text: str) -> str:
    return f"diff --git a/{name} b/{name}\n" + "".join(f"+{line}" for line in text.splitlines(keepends=True))


@pytest.mark.slow
def test_the_sources_of_the_project_hold_nothing_that_looks_like_a_secret() -> None:
    root = Path(__file__).parents[2]
    files = [*(root / "harness").rglob("*.py"), *(root / "harness").rglob("*.toml"), *(root / "studies").glob("*.toml")]
    files += [root / "pyproject.toml", root / "requirements" / "dev.lock", root / "Makefile"]
    changed = [file.name for file in files if mask_diff(text := _as_diff(file.name, file.read_text())) != text]
    # The documentation of two has examples; a batch file draws its own token.
    assert sorted(changed) == ["addresses.py", "redaction.py", "sbatch.py"]


@pytest.mark.parametrize(
    "line",
    [
        "token = page.token", "f(token=token, password=None)", "def f(token: str, key: bytes) -> None:",
        "    secret: str | None = None", "for token in tokens:", "password = getpass()", "sign(signed=True)",
        "    --hash=sha256:0cf3cae568d36aa9576b28dfb35f11328f1cb974ca7647d9475ebb86c75ac6e3", "KEY = 3",
        "digest = '0cf3cae568d36aa9576b28dfb35f11328f1cb974ca7647d9475ebb86c75ac6e3'", "x_key = y_key",
        "address = 'http://localhost:5000/a' # mail me@host.example", "class Token: pass",
        "-----BEGIN CERTIFICATE-----",
    ],
)  # fmt: skip
def test_ordinary_code_is_recorded_as_it_is(line: str) -> None:
    diff = _as_diff("a.py", f"{line}\n")
    assert mask_diff(diff) == diff


def test_variables_that_end_like_secrets_are_masked_unless_they_are_words_or_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = {
        "SORT_KEY": "accuracy",
        "SSH_KEY": str(tmp_path),
        "SSH_AUTH_SOCK": "/run/agent-1234",
        "KEYS": "abc-def-12345",
    }
    secret = {"DB_PASS": "correcthorse", "SERVICE_KEY": "k3y-value-1", "MY_PAT": "p4t-value-1", "X_AUTH": "4uth-value"}
    for name, value in {**kept, **secret}.items():
        monkeypatch.setenv(name, value)
    assert set(secret.values()) <= set(environment_secrets())
    assert not set(kept.values()) & set(environment_secrets())


ODD_PASSWORDS = [
    "pa[ss", "pa]ss", "pa#ss", "pa?ss", "pa%zzss", "pa ss", "pa\nss", "pa\tss", "pa'ss", 'pa"ss', "pa\\ss", "pa/ss",
    "pa@ss", "pa:ss", "1234/ps", "1234 ps", "\u2100pz", "p\u00e4ss", "pa\x1b[2Jss", "{pa}ss",
    "pa<ss>", "%", "\u202epz",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("password", ODD_PASSWORDS, ids=ascii)
def test_a_password_with_an_odd_sign_is_never_printed(
    password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A download that fails is tried again after 1, 2, 4 and 8 seconds.
    monkeypatch.setattr("harness.data.transfer.time.sleep", lambda _: None)
    secret = f"qzx{password}7xy"
    study = tmp_path / "study.toml"
    for scheme in ("http", "postgresql"):
        uri = f"{scheme}://me:{secret}@127.0.0.1:9/db"
        study.write_text(STUDY.replace("[tracking]", f"[tracking]\nuri = {json.dumps(uri)}"))
        for arguments in (
            ["report", "toy", "--tracking-uri", uri],
            ["ui", "--tracking-uri", uri],
            ["sync", "--tracking-uri", uri],
            ["diff", "a", "b", "--tracking-uri", uri],
            ["plan", str(study), "--data-root", str(tmp_path)],
            ["plan", str(study), "--data-root", str(tmp_path), "--set", f"search.storage={uri}"],
            ["data", "fetch", "esc10", "--data-root", str(tmp_path / "new"), "--url", uri],
        ):
            result = CliRunner().invoke(cli, arguments)
            assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
            # What follows the odd sign is a part of the password as well.
            for part in re.split(r"[^A-Za-z0-9]+", secret):
                assert len(part) < 4 or part not in result.output, (arguments, result.output)


@fuzz(300)
@given(
    user=st.text(max_size=5),
    secret=ODD | st.text(max_size=9),
    host=st.sampled_from(["host", "[::1]", "[::1", "a..b", "\u2100"]),
    port=st.sampled_from(["", ":5000", ":x", ":99999", ":-1"]),
    scheme=st.sampled_from(["http", "https", "postgresql+psycopg", ""]),
)
def test_no_error_of_an_address_quotes_it(user: str, secret: str, host: str, port: str, scheme: str) -> None:
    address = f"{scheme}://{user}:qz{secret}x7@{host}{port}/db"
    assert f"qz{secret}x7" not in mask_address(address)
    try:
        split_address(address)
    except AddressFaultError as fault:
        told = "".join(traceback.format_exception(fault))
        assert "qz" not in told
        assert fault.__context__ is None  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "a b", "x": 1}', '{"password": "***", "x": 1}'),
        ("token = 'abc'", "token = '***'"),
        ("api_key: 'abc'", "api_key: '***'"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("-H 'authorization: Basic YTpi' x", "-H 'authorization: Basic ***' x"),
        # Words about secrets are none.
        ("the token is missing", "the token is missing"),
        ("def mask(token: str) -> str:", "def mask(token: str) -> str:"),
        ("password: none was given", "password: none was given"),
    ],
)
def test_secrets_in_json_code_and_headers_are_masked(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown
