"""How a test talks to a peer process: one JSON object per line, commands on its stdin, answers on its stdout.

No ports and no orphans: the peer ends when its stdin does.
"""

import asyncio
import json
import os
import sys


class Control:
    """The peer's side. `handlers` maps a command's name to a function (plain or async) of its other keys."""

    def __init__(self, handlers):
        self.handlers = handlers

    def announce(self, **message):
        """Tells the test something it did not ask for."""
        line = json.dumps({"announce": message}).encode() + b"\n"
        view = memoryview(line)
        while view:
            view = view[os.write(sys.stdout.fileno(), view) :]

    async def serve(self):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 26)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            command = json.loads(line)
            number, name = command.pop("call"), command.pop("name")
            try:
                result = self.handlers[name](**command)
                if asyncio.iscoroutine(result):
                    result = await result
                answer = {"call": number, "result": result}
            except Exception as error:  # the test shows it; the peer goes on
                answer = {"call": number, "error": f"{type(error).__name__}: {error}"}
            data = memoryview(json.dumps(answer).encode() + b"\n")
            while data:
                try:
                    data = data[os.write(sys.stdout.fileno(), data) :]
                except BlockingIOError:
                    await asyncio.sleep(0.001)
