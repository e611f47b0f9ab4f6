"""A folder with a configuration and one destination, for commands that talk to FlowMate or integrator.io."""

import json
import os
import pathlib
import shlex
import subprocess

CONFIG = """
orgs:
  prod:
    loginUrl: https://example.my.salesforce.com
    auth:
      clientCredentials: {clientId: {env: SF_CLIENT_ID}, clientSecret: {env: SF_CLIENT_SECRET}}
    topics: [/data/ChangeEvents]
rules: rules
store: {path: sluice.db}
"""

RULES = """
sluice: 1
destinations:
  there:
    kind: KIND
    baseUrl: http://127.0.0.1:PORT
    allowHttp: true
    auth: {bearer: {env: THE_TOKEN}}
EXTRA
"""


class Commands:
    def __init__(self, binary, folder, kind, port, token, rules="rules: []"):
        self.binary = binary
        self.folder = pathlib.Path(folder)
        (self.folder / "rules").mkdir(parents=True)
        (self.folder / "sluice.yaml").write_text(CONFIG)
        text = RULES.replace("KIND", kind).replace("PORT", str(port)).replace("EXTRA", rules)
        (self.folder / "rules" / "all.yaml").write_text(text)
        self.environment = {**os.environ, "THE_TOKEN": token, "NO_COLOR": "1"}
        self.kind = kind

    def run(self, *arguments, code=0, timeout=60, stdin=""):
        """The finished process; its exit code must be `code`."""
        done = subprocess.run(
            [self.binary, self.kind, *map(str, arguments)], cwd=self.folder, env=self.environment, input=stdin,
            capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip
        shown = f"{' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        self._write_down(arguments, done)
        assert done.returncode == code, shown
        assert self.environment["THE_TOKEN"] not in done.stdout + done.stderr, shown
        return done

    def _write_down(self, arguments, done):
        """For reading: every command and its answer, in the file that SLUICE_TRANSCRIPT names."""
        if path := os.environ.get("SLUICE_TRANSCRIPT"):
            line = " ".join(shlex.quote(str(one)) for one in arguments)
            with open(path, "a") as file:
                file.write(f"$ sluice {self.kind} {line}\n{done.stdout}{done.stderr}[exit {done.returncode}]\n\n")

    def text(self, *arguments, **options) -> str:
        return self.run(*arguments, **options).stdout

    def error(self, *arguments, code, **options) -> str:
        return self.run(*arguments, code=code, **options).stderr

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "--json", **options).stdout)
