"""integrator.io's API as far as a relay calls it: token, flows, exports, connections, runs and jobs."""

import datetime
import re
import time
import urllib.parse

import orjson

from http_server import response

RUN = re.compile(r"^/v1/flows/([0-9a-f]{24})/run$")
FLOW = re.compile(r"^/v1/flows/([0-9a-f]{24})$")
LATEST = re.compile(r"^/v1/flows/([0-9a-f]{24})/jobs/latest$")
JOB = re.compile(r"^/v1/jobs/([0-9a-f]{24})$")
EXPORT = re.compile(r"^/v1/exports/([0-9a-f]{24})$")
CONNECTION = re.compile(r"^/v1/connections/([0-9a-f]{24})$")


class Integrator:
    """Runs are queued at once, run after `queued` and end after `running` seconds. `outcomes` names the status and
    the error count of the next jobs, one after another; then all complete."""

    def __init__(self, token="celigo-token"):
        self.token = token
        self.queued, self.running = 0.1, 0.2
        self.outcomes = []
        self.run_answers = []  # statuses the next POSTs of a run get instead of 201
        self.jobs = {}
        self.runs = []
        self.calls = {}
        self.faults = {}

    def configure(self, queued=None, running=None, outcomes=None, run_answers=None):
        self.queued = self.queued if queued is None else queued
        self.running = self.running if running is None else running
        self.outcomes = self.outcomes if outcomes is None else outcomes
        self.run_answers = self.run_answers if run_answers is None else run_answers

    def handle(self, request) -> bytes:
        path = request.path
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return response(401, b'{"errors":[{"code":"unauthorized","message":"no"}]}')
        for name, pattern in ROUTES.items():
            match = pattern.match(path)
            if match:
                self.calls[name] = self.calls.get(name, 0) + 1
                return getattr(self, f"_{name}")(request, *match.groups())
        return response(404, b'{"errors":[{"code":"not_found","message":"no such path"}]}')

    def stats(self):
        jobs = [self._view(job) for job in self.jobs.values()]
        return {"runs": self.runs, "jobs": jobs, "calls": self.calls, "faults": self.faults}

    def _run(self, request, flow):
        if request.method != "POST":
            return response(405)
        if self.run_answers:
            status = self.run_answers.pop(0)
            if status != 201:
                return response(status, b'{"errors":[{"code":"scripted","message":"scripted"}]}')
        open_job = [job for job in self.jobs.values() if job["flow"] == flow and self._status(job) not in ENDED]
        if open_job:
            self._fault("run while a job of the flow is open", flow)
            return response(409, b'{"errors":[{"code":"sync_job_already_queued","message":"already queued"}]}')
        body = orjson.loads(request.body or b"{}")
        status, errors = self.outcomes.pop(0) if self.outcomes else ("completed", 0)
        job = {
            "id": f"{len(self.jobs) + 1:024x}", "flow": flow, "created": time.time(), "ends": status, "errors": errors,
            "queued": self.queued, "running": self.running,
        }  # fmt: skip
        self.jobs[job["id"]] = job
        self.runs.append({"flow": flow, "body": body, "at": job["created"], "window": _window(body)})
        return response(201, orjson.dumps({"_jobId": job["id"]}))

    def _latest(self, _request, flow):
        jobs = [job for job in self.jobs.values() if job["flow"] == flow]
        return response(200, orjson.dumps([self._view(jobs[-1])] if jobs else []))

    def _job(self, _request, job):
        if job not in self.jobs:
            return response(404, b'{"errors":[{"code":"not_found","message":"no such job"}]}')
        return response(200, orjson.dumps(self._view(self.jobs[job])))

    def _list(self, request):
        query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))
        if not set(query) & {"_flowId", "_integrationId", "_exportId", "_flowJobId", "createdAt_gte", "createdAt_lte"}:
            return response(400, b'{"errors":[{"code":"invalid_query","message":"a filter is required"}]}')
        jobs = [self._view(job) for job in reversed(self.jobs.values())]
        jobs = [job for job in jobs if query.get("_flowId", job["_flowId"]) == job["_flowId"]]
        since = query.get("createdAt_gte", "")
        if since.isdigit():
            since = _iso(int(since) / 1000)
        return response(200, orjson.dumps([job for job in jobs if job["createdAt"] >= since]))

    def _flow(self, _request, flow):
        answer = {
            "_id": flow, "name": "interop", "disabled": False, "lastModified": _iso(0),
            "pageGenerators": [{"_exportId": "e" * 24}], "pageProcessors": [],
        }  # fmt: skip
        return response(200, orjson.dumps(answer))

    def _export(self, _request, export):
        answer = {"_id": export, "type": "delta", "_connectionId": "c" * 24, "delta": {"dateField": "LastModifiedDate"}}
        return response(200, orjson.dumps(answer))

    def _connection(self, _request, connection):
        return response(200, orjson.dumps({"_id": connection, "offline": False}))

    def _token(self, _request):
        return response(200, b'{"_userId":"555555555555555555555555","scope":{}}')

    def _status(self, job):
        age = time.time() - job["created"]
        if age < job["queued"]:
            return "queued"
        return "running" if age < job["queued"] + job["running"] else job["ends"]

    def _view(self, job):
        status = self._status(job)
        errors = job["errors"] if status in ENDED else 0
        return {
            "_id": job["id"], "type": "flow", "_flowId": job["flow"], "createdAt": _iso(job["created"]),
            "status": status, "numError": errors, "numOpenError": errors, "numSuccess": 1, "numExport": 1,
        }  # fmt: skip

    def _fault(self, kind, detail):
        entry = self.faults.setdefault(kind, {"count": 0, "first": detail})
        entry["count"] += 1


ENDED = {"completed", "failed", "canceled"}
ROUTES = {
    "run": RUN, "flow": FLOW, "latest": LATEST, "job": JOB, "list": re.compile("^/v1/jobs$"), "export": EXPORT,
    "connection": CONNECTION, "token": re.compile("^/v1/tokenInfo$"),
}  # fmt: skip


def _iso(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _window(body):
    """(start, end) in epoch milliseconds, of either known shape of the run's body."""
    inner = body.get("export", body)
    edges = []
    for key in ("startDate", "endDate"):
        text = inner.get(key)
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
        edges.append(int(moment.timestamp() * 1000) if moment else None)
    return edges
