"""Looks for secrets in clear: in files, logs and what commands say."""

import pathlib

from harness import SECRETS

# Of the client credentials' user name alone nobody makes a secret. Each peer's access tokens have a mark of their own.
MARKS = [value for name, value in SECRETS.items() if name != "SF_CLIENT_ID"] + ["!interop.", "!AQ-access"]


def search(where: str, content: bytes, secrets):
    found = [secret for secret in secrets if secret.encode() in content]
    assert found == [], f"{where} holds {len(found)} secrets in clear"


def search_folder(folder, secrets, ignored=()):
    count = 0
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file() and path.name not in ignored:
            search(str(path), path.read_bytes(), secrets)
            count += 1
    return count


def workspace(made):
    """Its files, among them the store, every line of its relays, and every answer of its commands."""
    search_folder(made.folder, MARKS, ignored=made.kept)
    search("a log or an answer", "".join(made.said).encode(), MARKS)
