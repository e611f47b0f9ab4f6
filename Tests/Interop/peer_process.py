"""A peer in a process of its own, as a test sees it."""

import json
import pathlib
import queue
import signal
import subprocess
import sys
import threading


class PeerError(RuntimeError):
    pass


class PeerProcess:
    """Starts `python <script> <config file>` and calls it over its stdin and stdout (see control.py)."""

    def __init__(self, script: str, config: dict, folder, name: str, on_announce=None):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.json"
        path.write_text(json.dumps(config))
        self.log = folder / f"{name}.log"
        self.name = name
        self._on_announce = on_announce
        self._calls = 0
        self._lock = threading.Lock()
        self._answers = queue.Queue()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(pathlib.Path(__file__).with_name(script)), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready = self._next_answer(30)

    def call(self, command: str, timeout: float = 30, **arguments):
        with self._lock:
            self._calls += 1
            line = json.dumps({"call": self._calls, "name": command, **arguments}) + "\n"
            try:
                self.process.stdin.write(line.encode())
                self.process.stdin.flush()
            except BrokenPipeError:
                raise PeerError(f"{self.name} is gone: {self.tail()}") from None
            return self._next_answer(timeout)

    def kill(self):
        """SIGKILL: connections end as they do when a machine loses power to its process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(5)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def _next_answer(self, timeout):
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise PeerError(f"{self.name} did not answer within {timeout} s: {self.tail()}") from None
        if answer is None:
            raise PeerError(f"{self.name} ended: {self.tail()}")
        if "error" in answer:
            raise PeerError(f"{self.name}: {answer['error']}")
        return answer["result"]

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            if "announce" in message and "ready" in message["announce"]:
                self._answers.put({"result": message["announce"]["ready"]})
            elif "announce" in message:
                if self._on_announce:
                    self._on_announce(self, message["announce"])
            else:
                self._answers.put(message)
        self._answers.put(None)
