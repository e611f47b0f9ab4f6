"""integrator.io as it meets somebody who runs a flow on every change: one job at a time, a queue, jobs that fail, answers
that get lost, minutes of 429, and other people's runs. Strict about every request; what a client must never do is kept as a
fault.

Run as `python flow_run_peer.py <config.json>`: `flow`, `queued` and `running` (seconds), `token`.
"""

import asyncio
import datetime
import re
import sys
import time
import urllib.parse

import orjson

import http_server
from control import Control
from http_server import response
from integrator_peer import ENDED, _iso

DATE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


class Account:
    def __init__(self, flow, token="celigo-token", queued=0.3, running=0.7):
        self.flow, self.token, self.queued, self.running = flow, token, queued, running
        self.jobs = []
        self.posts = []
        self.faults = []
        self.calls = {}
        self.outcomes = {}  # number of our run, from 1 -> how it ends
        self.errors = {}  # number of our run -> records that fail in it
        self.lose = set()  # numbers of our runs whose answer is lost
        self.limited_until = 0
        self.while_limited = 0

    def foreign(self, seconds):
        """Somebody presses "run"; their job waits for the one that runs, as all do."""
        self._enqueue("completed", "somebody else", None, seconds)

    def limit(self, seconds):
        self.limited_until = time.time() + seconds

    def plan(self, outcomes=None, lose=(), errors=None):
        self.outcomes = {int(number): word for number, word in (outcomes or {}).items()}
        self.errors = {int(number): count for number, count in (errors or {}).items()}
        self.lose = set(lose)

    def stats(self):
        return {"jobs": [self._view(job) | {"by": job["by"], "window": job["window"]} for job in self.jobs],
                "posts": self.posts, "faults": self.faults, "calls": self.calls,
                "while_limited": self.while_limited}  # fmt: skip

    def handle(self, request):
        now = time.time()
        path = request.path
        self._check(request)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return failure(401, "unauthorized")
        if now < self.limited_until:
            self.while_limited += 1
            wait = max(1, int(self.limited_until - now + 0.999))
            body = orjson.dumps({"errors": [{"code": "rate_limited", "message": "slow down"}]})
            return response(429, body, headers=[("Retry-After", str(wait))])
        kind = {
            f"/v1/flows/{self.flow}": "flow", f"/v1/flows/{self.flow}/run": "run", "/v1/jobs": "list",
            f"/v1/flows/{self.flow}/jobs/latest": "latest", f"/v1/exports/{'e' * 24}": "export",
            f"/v1/connections/{'c' * 24}": "connection", "/v1/tokenInfo": "token",
        }.get(path) or ("job" if re.fullmatch(r"/v1/jobs/[0-9a-f]{24}", path) else None)  # fmt: skip
        if kind is None:
            self.faults.append(f"{request.method} {path}")
            return failure(404, "not_found")
        self.calls[kind] = self.calls.get(kind, 0) + 1
        if (request.method != "POST") == (kind == "run"):
            self.faults.append(f"{request.method} {path}")
            return response(405)
        return getattr(self, f"_{kind}")(request)

    def _check(self, request):
        if request.headers.get("accept") != "application/json":
            self.faults.append(f"accept {request.headers.get('accept')}")
        if request.method == "POST" and request.headers.get("content-type") != "application/json":
            self.faults.append(f"content type {request.headers.get('content-type')}")
        if request.method == "GET" and request.body:
            self.faults.append("a GET with a body")

    def _run(self, request):
        body = orjson.loads(request.body)
        if list(body) != ["export"] or list(body["export"]) != ["startDate", "endDate"]:
            self.faults.append(f"run with {body}")
            return failure(422, "invalid_field")
        start, end = body["export"]["startDate"], body["export"]["endDate"]
        if not DATE.match(start) or not DATE.match(end) or start >= end:
            self.faults.append(f"window {start} to {end}")
        open_jobs = [job for job in self.jobs if self._status(job) not in ENDED]
        if any(job["by"] == "us" for job in open_jobs):
            self.faults.append("a second open run of ours")
        if len(open_jobs) > 1:
            return failure(409, "flow_job_already_queued")
        number = len(self.posts) + 1
        self.posts.append({"at": time.time(), "window": [_ms(start), _ms(end)], "behind": len(open_jobs)})
        job = self._enqueue(self.outcomes.get(number, "completed"), "us", [_ms(start), _ms(end)], self.running)
        job["errors"] = self.errors.get(number, 0)
        if number in self.lose:
            request.connection.reset()
            return None
        return response(201, orjson.dumps({"_jobId": job["id"], "_exportId": "e" * 24}))

    def _enqueue(self, ending, by, window, running):
        free = max([job["end"] for job in self.jobs] + [time.time()])
        start = free + self.queued
        job = {"id": f"{len(self.jobs) + 0xE000:024x}", "created": time.time(), "start": start, "end": start + running,
               "ending": ending, "by": by, "window": window}  # fmt: skip
        self.jobs.append(job)
        return job

    def _latest(self, _):
        return response(200, orjson.dumps([self._view(self.jobs[-1])] if self.jobs else []))

    def _job(self, request):
        found = [job for job in self.jobs if request.path.endswith(job["id"])]
        return response(200, orjson.dumps(self._view(found[0]))) if found else failure(404, "not_found")

    def _list(self, request):
        query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))
        if query.get("_flowId") != self.flow or not DATE.match(query.get("createdAt_gte", "")) or len(query) != 2:
            self.faults.append(f"jobs asked with {query}")
        jobs = [self._view(job) for job in reversed(self.jobs)]
        return response(200, orjson.dumps([job for job in jobs if job["createdAt"] >= query.get("createdAt_gte", "")]))

    def _flow(self, _):
        return response(200, orjson.dumps({"_id": self.flow, "name": "f", "disabled": False,
                                           "pageGenerators": [{"_exportId": "e" * 24}], "pageProcessors": []}))  # fmt: skip

    def _export(self, _):
        return response(200, orjson.dumps({"_id": "e" * 24, "type": "delta", "_connectionId": "c" * 24}))

    def _connection(self, _):
        return response(200, orjson.dumps({"_id": "c" * 24, "name": "sf", "offline": False}))

    def _token(self, _):
        return response(200, b'{"_userId":"555555555555555555555555","scope":"*"}')

    def _status(self, job):
        now = time.time()
        return "queued" if now < job["start"] else "running" if now < job["end"] else job["ending"]

    def _view(self, job):
        status = self._status(job)
        errors = job.get("errors", 0) if status == "completed" else 0
        return {"_id": job["id"], "type": "flow", "_flowId": self.flow, "_exportId": "e" * 24, "status": status,
                "createdAt": _iso(job["created"]), "numError": errors, "numOpenError": errors,
                "numSuccess": 5 - errors if status == "completed" else 0, "numExport": 5, "numPagesGenerated": 0 if status == "failed" else 1}  # fmt: skip


def _ms(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def failure(status, code):
    return response(status, orjson.dumps({"errors": [{"code": code, "message": code}]}))


async def main(config: dict):
    account = Account(**config)
    _, port = await http_server.listen(account.handle)
    control = Control(
        {"stats": account.stats, "foreign": account.foreign, "limit": account.limit, "plan": account.plan})
    control.announce(ready={"port": port})
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(main(orjson.loads(file.read())))
