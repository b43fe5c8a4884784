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
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

import harness
from harness.masking import environment_secrets, mask_secrets, mask_tree
from tests.security.conftest import STUDY, House

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
    with (folder / "harness" / "vocabulary.py").open("a", encoding="utf-8") as file:
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
        order(house.arguments("--set", f"tracking.uri=http://me:{PLANTED['override']}@{place}")),
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
