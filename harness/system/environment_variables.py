"""The environment of a command: variables that are meant for other programs do not reach the libraries used here.

A shell started by a notebook, or a user's settings for other work with MLflow, must neither end a study nor change what
it records. The process of a command belongs to the harness, so they are removed from it, and with it from its workers;
a program that imports the package keeps its environment.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from importlib.util import find_spec

from harness.system.addresses import AddressFaultError, split_address
from harness.system.redaction import environment_secrets

# Figures are drawn without pyplot, so no backend is needed; MLflow is always given the store to use.
_FOREIGN = re.compile(r"MPLBACKEND|MATPLOTLIBRC|_?MLFLOW_.*|TQDM_.*")

# Access to a server and its artifact storage, hosts that the UI accepts, and features that users switch off. MLflow
# does not repeat requests, since one that failed may have been carried out.
_OWN = re.compile(
    r"MLFLOW_(?:TRACKING_(?:USERNAME|PASSWORD|TOKEN|AUTH|AWS_SIGV4|INSECURE_TLS|SERVER_CERT_PATH|CLIENT_CERT_PATH)"
    r"|HTTP_(?!REQUEST_MAX_RETRIES).*|(?:S3|GCS|BOTO|KERBEROS|MYSQL|ARTIFACT_UPLOAD|SQLALCHEMYSTORE_POOL)_.*|WORKSPACE"
    r"|SERVER_(?:ALLOWED_HOSTS|CORS_ALLOWED_ORIGINS|X_FRAME_OPTIONS)|FLASK_SERVER_SECRET_KEY"
    r"|DISABLE_TELEMETRY|ALLOW_FILE_STORE)"
)
_LOOPBACK = ("localhost", "127.0.0.1", "127.0.0.0/8", "::1")


def keep_foreign_variables_out() -> None:
    """Remove variables that are meant for other uses of matplotlib, MLflow and tqdm from this process.

    PYTHONWARNINGS is removed as well if it turns warnings into errors, since the first warning of any library would end
    a study. Variables that hold a secret are kept, because printed and recorded text is searched for them.
    """
    secrets = environment_secrets()
    for name in foreign_variables():
        if not any(secret in os.environ[name] for secret in secrets):
            del os.environ[name]
    if "PYTHONWARNINGS" in os.environ and any(action == "error" for action, *_ in warnings.filters):
        # Libraries warn of future changes in each other: use Python's own filters instead, here and in the workers.
        del os.environ["PYTHONWARNINGS"]
        sys.warnoptions.clear()
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)


def foreign_variables() -> list[str]:
    """Return the variables of this process that libraries used here read but that are meant for other programs."""
    return [name for name in os.environ if _FOREIGN.fullmatch(name) and not _OWN.fullmatch(name)]


def drop_missing_backend() -> None:
    """Remove MPLBACKEND if it names a module that is not installed, with which matplotlib could not even be imported.

    Notebooks set it for the programs that they start, whatever environment those run in.
    """
    kind, _, module = os.environ.get("MPLBACKEND", "").partition("://")
    if kind == "module" and find_spec(module.partition(".")[0]) is None:
        del os.environ["MPLBACKEND"]


def proxy_of(url: str) -> str:
    """Return the proxy that the environment sets for an ``http(s)://`` address; empty for none."""
    from urllib.request import getproxies, proxy_bypass

    try:
        parts = split_address(url)
    except AddressFaultError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.host or proxy_bypass(parts.host):
        return ""
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all", "")


def reach_loopback_directly() -> None:
    """Make requests to this machine bypass a proxy set by HTTP_PROXY or ALL_PROXY, by extending NO_PROXY."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if named.strip() == "*":
        return
    hosts = [*filter(None, (each.strip() for each in named.split(","))), *_LOOPBACK]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(dict.fromkeys(hosts))
