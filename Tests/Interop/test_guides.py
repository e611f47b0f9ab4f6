"""The guides, step by step as a reader does them: files are written, commands are run, and something arrives."""

import json
import pathlib
import re
import subprocess
import urllib.request

import pytest

from harness import wait_until

GUIDES = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "sluice" / "sluice.docc"
EMULATE = "sluice emulate --rate 5 --http-port 8085 --grpc-port 8086\n"
LISTENER = "/v1/exports/65b2f0c2d3e4b5a697886612/emulator-listener-token/data"


class Reader:
    """Somebody with a terminal or three, in an empty folder."""

    def __init__(self, name, binary, folder):
        self.binary, self.folder = binary, folder
        self.processes = []
        self.outputs = {}
        self.text = (GUIDES / name).read_text()

    def open(self):
        text = self.text
        assert f"```sh\n{EMULATE}```" in text
        # The guide's ports may be taken here: any free ones, in all that follows.
        self.start(EMULATE.replace("8085", "0").replace("8086", "0"))
        said = self.folder / "0.log"
        wait_until(lambda: "SF_CLIENT_SECRET=" in said.read_text(), "the emulator says where it is", 20)
        http, grpc = re.search(r" at http://127.0.0.1:(\d+)\n.* at 127.0.0.1:(\d+)\n", said.read_text()).groups()
        self.url = f"http://127.0.0.1:{http}"
        self.text = text.replace("8085", http).replace("8086", grpc)

    def follow(self):
        """Every block in its order. A file's name is the last code in the text before its block."""
        place = 0
        for block in re.finditer(r"^```(\w+)\n(.*?)^```$", self.text, re.M | re.S):
            before, place = self.text[place : block.start()], block.end()
            if block[1] == "sh":
                for line in block[2].splitlines():
                    self.command(line + "\n")
            else:
                names = re.findall(r"`((?:rules/)?[\w-]*\.(?:yaml|env)|\.env)`", before)
                assert names, f"which file is this?\n{block[0]}"
                path = self.folder / names[-1]
                path.parent.mkdir(exist_ok=True)
                path.write_text(block[2])

    def command(self, line):
        if line.startswith("sluice emulate"):
            return  # it runs already
        if line == "sluice run\n":
            self.before = len(self.received())
            return self.start(line)
        shown = line.replace("sluice ", f"{self.binary} ", 1) if line.startswith("sluice ") else line
        if line.startswith("sluice status"):  # "and look": a reader looks until there is something
            self.wait_for_delivery()
        if line.startswith("sluice integrator jobs"):
            wait_until(lambda: self.run(shown)[1].count("completed"), "a run of the flow", 60)
        code, output = self.run(shown)
        assert code == 0, f"{line}{output}"
        self.outputs[line.strip()] = output

    def run(self, line):
        done = subprocess.run(line, shell=True, cwd=self.folder, capture_output=True, text=True, timeout=90)
        return done.returncode, done.stdout + done.stderr

    def start(self, line):
        log = open(self.folder / f"{len(self.processes)}.log", "w")
        arguments = line.replace("sluice ", f"{self.binary} ", 1).split()
        self.processes.append(subprocess.Popen(arguments, cwd=self.folder, stdout=log, stderr=log))

    def received(self, path=""):
        try:
            with urllib.request.urlopen(f"{self.url}/emulator/received?limit=5000&{path}", timeout=5) as answer:
                return json.load(answer)["requests"]
        except OSError:
            return None

    def wait_for_delivery(self):
        wait_until(
            lambda: [one for one in (self.received() or [])[self.before :] if one["executed"]],
            "a delivery", 60,
            or_fail=lambda: "the relay ended: " + (self.folder / "1.log").read_text()
            if len(self.processes) > 1 and self.processes[1].poll() is not None else None,
        )  # fmt: skip

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        codes = [process.wait(20) for process in self.processes]
        return codes


@pytest.fixture
def follow(binary, tmp_path):
    readers = []

    def begin(name):
        reader = Reader(name, binary, tmp_path)
        readers.append(reader)
        reader.open()
        reader.follow()
        return reader

    yield begin
    for reader in readers:
        assert set(reader.stop()) == {0}, "what was started ends well"


def output(reader, start):
    return next(text for line, text in reader.outputs.items() if line.startswith(start))


def test_forward_to_a_flowmate_flow(follow):
    reader = follow("FlowMate.md")
    assert "acme" in output(reader, "sluice flowmate users")
    assert "quantity: number" in output(reader, "sluice flowmate flow show")
    first = json.loads(output(reader, "curl"))["requests"][0]
    assert first["executed"] and set(first["data"]["data"]) <= {"orderId", "status", "quantity"}
    assert first["data"]["data"]["orderId"].startswith("a0")
    assert "order-to-mes" in output(reader, "sluice flowmate map")
    ran = len([one for one in reader.received() if one["executed"]])
    wait_until(lambda: len([one for one in reader.received() if one["executed"]]) > ran, "it goes on after the start", 60)


def test_run_a_celigo_flow(follow):
    reader = follow("CeligoRuns.md")
    assert "full access" in output(reader, "sluice integrator token")
    assert "runBody: nested" in output(reader, "sluice integrator prove-window")
    assert "runBody: nested" in (reader.folder / "rules" / "celigo.yaml").read_text()
    assert "exports by date window" in output(reader, "sluice doctor")
    runs = [json.loads(one["body"]) for one in reader.received() if one["path"].endswith("/run")]
    assert any("startDate" in one.get("export", {}) for one in runs[1:])
    assert "Completed" in output(reader, "sluice integrator run")


def test_push_into_a_celigo_listener(follow):
    reader = follow("CeligoListener.md")
    assert "is a webhook listener" in output(reader, "sluice doctor")
    first = json.loads(output(reader, "curl"))["requests"][0]
    assert first["executed"] and first["status"] == 204 and first["headers"]["webhook-id"].startswith("sl_")
    assert set(json.loads(first["body"])) >= {"id", "change", "at", "sequence"}
    assert "emulator-listener-token" not in (reader.folder / "1.log").read_text()


@pytest.mark.parametrize("name", sorted(path.name for path in GUIDES.glob("*.md")))
def test_every_guide_is_linked_from_the_readme(name):
    assert f"Sources/sluice/sluice.docc/{name}" in (GUIDES.parents[2] / "README.md").read_text()
