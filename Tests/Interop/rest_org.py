"""An org for the tests of `sluice salesforce`: the REST and OAuth peer, and a folder with sluice's configuration."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness import binary
from peer_process import PeerProcess

CALLBACK = "http://localhost:{port}/callback"
# Marked, so that a sweep finds them wherever they leak.
SECRETS = {
    "SF_ID": "client-id-3MVG9",
    "SF_SECRET": "planted-client-secret-77",
    "SF_PASSWORD": "pass-planted-9",
    "SF_TOKEN": "TOKEN-planted-9",
    "TOKEN_KEY": "6b" * 32,
}
AUTH = {
    "clientCredentials": "clientCredentials: {clientId: {env: SF_ID}, clientSecret: {env: SF_SECRET}}",
    "jwtBearer": "jwtBearer: {clientId: {env: SF_ID}, username: relay@acme.com, key: {file: key.pem}}",
    "refreshToken": "refreshToken: {clientId: {env: SF_ID}, tokenKey: {env: TOKEN_KEY}, callback: CALLBACK}",
    "password": "password: {clientId: {env: SF_ID}, clientSecret: {env: SF_SECRET}, username: relay@acme.com, "
    "password: {env: SF_PASSWORD}, securityToken: {env: SF_TOKEN}}",
}


def high_water(pid) -> int:
    """Most resident memory so far, KiB. What `wait4` tells would count the memory of Python before the exec as well."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


class Result:
    def __init__(self, code, out, err, peak):
        self.code = code
        self.out = out
        self.err = err
        self.peak_mib = peak / 1024

    @property
    def json(self):
        assert self.code == 0, f"exit {self.code}: {self.err}"
        return json.loads(self.out)


class RESTOrg:
    def __init__(self, folder, auth="clientCredentials", share=50, callback_port=1717, script="salesforce_peer.py", **config):
        self.folder = pathlib.Path(folder)
        self.callback = CALLBACK.format(port=callback_port)
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / "key.pem").write_bytes(pem)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.peer = PeerProcess(
            script,
            {"client_id": SECRETS["SF_ID"], "client_secret": SECRETS["SF_SECRET"], "jwt_key": public.decode(),
             "callbacks": [self.callback], **config},
            self.folder / "peers", "salesforce-rest")  # fmt: skip
        self.url = f"http://127.0.0.1:{self.peer.ready['port']}"
        self.config = self.folder / "sluice.yaml"
        self.write(auth, share)
        self.outputs = []

    def write(self, auth, share=50, more=""):
        pubsub = f"    pubsub: {more}\n" if more else ""
        self.config.write_text(
            f"orgs:\n  prod:\n    loginUrl: {self.url}\n    auth:\n      {AUTH[auth].replace('CALLBACK', self.callback)}\n"
            f"    topics: [/data/ChangeEvents]\n{pubsub}    rest: {{dailyShare: {share}}}\n"
        )

    def start(self, *arguments, **options) -> subprocess.Popen:
        return subprocess.Popen(
            [binary(), "salesforce", *arguments, "--config", str(self.config)],
            cwd=self.folder, env={**os.environ, **SECRETS, "NO_COLOR": "1"}, stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip

    def run(self, *arguments, stdin="") -> Result:
        """One command to its end, with the most memory it had resident."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, tempfile.TemporaryFile("w+") as into:
            into.write(stdin)
            into.seek(0)
            process = subprocess.Popen(
                [binary(), "salesforce", *arguments, "--config", str(self.config)], cwd=self.folder,
                env={**os.environ, **SECRETS, "NO_COLOR": "1"}, stdin=into, stdout=out, stderr=err,
            )  # fmt: skip
            peak = 0
            while process.poll() is None:
                peak = max(peak, high_water(process.pid))
                time.sleep(0.01)
            out.seek(0)
            err.seek(0)
            result = Result(process.returncode, out.read(), err.read(), peak)
        self.outputs.append(result.out[:1_000_000] + result.err)
        return result

    def stats(self):
        return self.peer.call("stats")

    def stop(self):
        self.peer.stop()


class WritableOrg(RESTOrg):
    """The org of rest_peer.py, with files for the commands, and with what the peer saw."""

    def __init__(self, folder, **options):
        super().__init__(folder, script="rest_peer.py", **options)

    def end(self):
        """Whatever the test was about: every request was a good one, and no secret was shown."""
        stats = self.stats()
        self.stop()
        assert stats["violations"] == []
        named = {one["headers"].get("sforce-call-options") for one in stats["requests"] if one["signed"]}
        assert named <= {"client=Sluice"}
        said = "".join(self.outputs)
        assert not any(secret in said for secret in SECRETS.values()) and "!AQ-access" not in said

    def file(self, name, content):
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / name).write_text(text)
        return name

    def ok(self, *arguments, **options):
        result = self.run(*arguments, **options)
        assert result.code == 0, f"{arguments}: exit {result.code}: {result.out}{result.err}"
        return result.out

    def fails(self, code, *arguments, **options):
        """What it says, on both outputs."""
        result = self.run(*arguments, **options)
        assert result.code == code, f"{arguments}: exit {result.code}: {result.out}{result.err}"
        return result.out + result.err

    def lines(self, *arguments, code=0):
        """JSON, a line for each record."""
        result = self.run(*arguments, "--json")
        assert result.code == code, result.err
        return [json.loads(line) for line in result.out.splitlines()]

    def asked(self, method=None, path=""):
        return [one for one in self.stats()["requests"] if method in (None, one["method"]) and path in one["path"]]

    def writes(self):
        return [one for one in self.stats()["requests"] if one["method"] != "GET"]

    def rows(self, entity="Account"):
        return self.peer.call("rows", entity=entity)

    def put(self, entity="Account", ago=0, **values):
        return self.peer.call("put", entity=entity, values=values, ago=ago)

    def fault(self, path, status=0, code="", **more):
        self.peer.call("fault", path=path, status=status, code=code, **more)
