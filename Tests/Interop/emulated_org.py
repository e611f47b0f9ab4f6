"""The emulator, started for tests that use it as an org."""

import json
import os
import subprocess


class EmulatedOrg:
    """The emulator as a process, and a folder with a configuration that points at it."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.process = subprocess.Popen([binary, "emulate", "--rate", "0"], stdout=subprocess.PIPE, text=True)
        lines = []
        while not any("SF_CLIENT_SECRET=" in line for line in lines):
            lines.append(self.process.stdout.readline())
            assert lines[-1], "the emulator ended"
        said = "".join(lines)
        self.target = said.split("Pub/Sub API at ")[1].split()[0]
        self.url = said.split(" at ")[1].split()[0]
        settings = said.split("sluice.yaml:\n")[1].split("environment:\n")
        (folder / "sluice.yaml").write_text(settings[0])
        (folder / ".env").write_text(settings[1].replace("  ", ""))
        (folder / "rules").mkdir()
        self.rules("")

    def topics(self, *topics):
        """In place of those that the emulator's hints name."""
        config = (self.folder / "sluice.yaml").read_text()
        start, end = config.index("    topics:\n"), config.index("rules: rules")
        listed = "".join(f"      - {topic}\n" for topic in topics)
        (self.folder / "sluice.yaml").write_text(f"{config[:start]}    topics:\n{listed}{config[end:]}")

    def rules(self, rules):
        (self.folder / "rules" / "rules.yaml").write_text(
            f"sluice: 1\ndestinations:\n  erp: {{kind: webhook, url: {self.url}/hooks/erp, allowHttp: true}}\n{rules}")

    def command(self, *arguments, code=0, stdin=""):
        result = subprocess.run(
            [self.binary, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60, input=stdin,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
        assert result.returncode == code, result.stdout + result.stderr
        return result

    def json(self, *arguments):
        return json.loads(self.command("salesforce", *arguments, "--json").stdout)

    def step(self, **step):
        sent = subprocess.run(
            ["curl", "-sf", "-d", json.dumps(step), self.url + "/emulator/step"], capture_output=True, timeout=10)
        assert sent.returncode == 0, step

    def run(self):
        return subprocess.Popen(
            [self.binary, "run"], cwd=self.folder, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0

    def received(self):
        """Paths of what was delivered to the emulator."""
        return [request["path"] for request in self.requests()]

    def requests(self):
        answer = subprocess.run(["curl", "-sf", self.url + "/emulator/received"], capture_output=True, text=True, timeout=10)
        return json.loads(answer.stdout)["requests"]

    def query(self, soql):
        return self.json("query", soql)
