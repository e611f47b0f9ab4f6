"""integrator.io's management API, written from its documented behaviour alone: 204 for empty lists, Link paging, jobs that
page by time, error arrays, replacing PUT, runs one at a time with date windows that only delta exports look at.

Run as `python integrator_api_peer.py <config.json>`. Anything that a client must never do is kept as a fault.
"""

import asyncio
import re
import sys
import time
import urllib.parse

import orjson

import http_server
from control import Control
from http_server import response
from integrator_peer import ENDED, _iso, _window

ID = "([0-9a-f]{24})"
PATCHABLE = re.compile(
    r"^/(name|description|schedule|timezone|disabled|runPageGeneratorsInParallel|aliases"
    r"|pageGenerators/\d+/(schedule|skipRetries)|routers/\d+/name|routers/\d+/branches/\d+/(name|description))$"
)
JOB_FILTERS = {"_integrationId", "_flowId", "_exportId", "_importId", "_flowJobId", "createdAt_gte", "createdAt_lte"}
JOB_QUERY = JOB_FILTERS | {"type", "status"}


class Integrator:
    def __init__(self, token="celigo-token", flows=None, exports=None, imports=None, connections=None, records=None,
                 shape="nested", uses_end=True, moves_watermark=False, refuse_other_shape=False, watermark=None,
                 page=100, running=0.0, outcomes=None, limited=0, retry_after=1, resolve_key="errors",
                 lose_run_answer=False, name_job=True, foreign_link=False, jobs=None, record_errors=None):  # fmt: skip
        self.__dict__.update({key: value for key, value in locals().items() if key != "self"})
        self.flows = {flow["_id"]: flow for flow in flows or []}
        self.resources = {"exports": exports or [], "imports": imports or [], "connections": connections or []}
        self.records = records or []  # when each record changed, epoch milliseconds
        self.outcomes = outcomes or []
        self.jobs = jobs or []
        self.record_errors = record_errors or []
        self.state = {}
        self.requests, self.faults, self.runs, self.calls = [], [], [], []

    def configure(self, **changes):
        for name, value in changes.items():
            if not hasattr(self, name):
                raise KeyError(name)
            setattr(self, name, value)

    def stats(self):
        return {"requests": self.requests, "faults": self.faults, "runs": self.runs, "flows": self.flows,
                "state": self.state, "calls": self.calls, "jobs": [self._view(job) for job in self.jobs]}  # fmt: skip

    def handle(self, request) -> bytes | None:
        path = urllib.parse.unquote(request.path)
        query = urllib.parse.parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
        body = request.body.decode("utf-8", "replace")
        self.requests.append({"method": request.method, "path": path, "query": query, "body": body, "at": time.time()})
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return failure(401, "unauthorized", "Unauthorized")
        self._check(request)
        if self.limited > 0:
            self.limited -= 1
            return response(429, orjson.dumps({"errors": [{"code": "rate_limited", "message": "slow down"}]}),
                            headers=[("Retry-After", str(self.retry_after))])  # fmt: skip
        for method, pattern, name in ROUTES:
            match = re.fullmatch("/v1" + pattern, path)
            if match and method == request.method:
                strange = {key for key, _ in query} - QUERIES.get(name, set())
                if strange:
                    self.faults.append(f"{request.method} {path} with query {sorted(strange)}")
                document = orjson.loads(request.body) if request.body else None
                return getattr(self, name)(request, dict(query), document, *match.groups())
        return failure(404, "not_found", f"no route {request.method} {path}")

    def _check(self, request):
        """What is true of every call, whatever it is about."""
        headers = request.headers
        if headers.get("accept") != "application/json" or not headers.get("user-agent", "").startswith("Sluice/"):
            self.faults.append(f"accept {headers.get('accept')}, user agent {headers.get('user-agent')}")
        if request.method in ("POST", "PUT", "PATCH") and headers.get("content-type") != "application/json":
            self.faults.append(f"content type {headers.get('content-type')}")
        if request.method in ("GET", "DELETE") and request.body:
            self.faults.append(f"{request.method} with a body")
        if "origin" in headers or "cookie" in headers:
            self.faults.append("a browser's header")

    # Lists

    def _paged(self, request, query, items):
        """204 without a body when empty; else a page and the Link to the next."""
        if "include" in query and "exclude" in query:
            return failure(400, "invalid_query_params", "include and exclude")
        if any(key.endswith("[]") for key in query):
            return response(500)
        if not items:
            return response(204)
        skip = int(query.get("skip", 0))
        some = items[skip : skip + self.page]
        if "include" in query:
            keep = {"_id", *query["include"].split(",")}
            some = [{key: value for key, value in item.items() if key in keep} for item in some]
        headers = []
        if skip + self.page < len(items):
            host = "elsewhere.example" if self.foreign_link else request.headers["host"]
            rest = "".join(f"&{key}={value}" for key, value in query.items() if key != "skip")
            target = f"http://{host}{request.path}?skip={skip + self.page}{rest}"
            headers = [("Link", f'<http://{host}{request.path}>; rel="first", <{target}>; rel="next"')]
        return response(200, orjson.dumps(some), headers=headers)

    def token_info(self, *_):
        return response(200, b'{"_userId":"555555555555555555555555","scope":"*"}')

    def list_flows(self, request, query, _, integration=None):
        flows = list(self.flows.values())
        return self._paged(request, query, [one for one in flows if integration in (None, one.get("_integrationId"))])

    def list_resources(self, request, query, _, kind):
        return self._paged(request, query, self.resources[kind])

    def get_resource(self, _request, _query, _body, kind, one):
        found = next((item for item in self.resources[kind] if item["_id"] == one), None)
        return response(200, orjson.dumps(found)) if found else failure(404, "not_found", "not found")

    # Flows

    def get_flow(self, _request, _query, _body, flow):
        return response(200, orjson.dumps(self.flows[flow])) if flow in self.flows else missing()

    def create_flow(self, _request, _query, body):
        flow = {**body, "_id": f"{len(self.flows) + 0x900:024x}"}
        self.flows[flow["_id"]] = flow
        return response(201, orjson.dumps(flow))

    def put_flow(self, _request, _query, body, flow):
        self.flows[flow] = {**body, "_id": flow}
        return response(200, orjson.dumps(self.flows[flow]))

    def patch_flow(self, _request, _query, body, flow):
        if flow not in self.flows:
            return missing()
        for operation in body:
            if operation.get("op") != "replace" or not PATCHABLE.match(operation["path"]):
                self.faults.append(f"patch {operation}")
                return failure(422, "invalid_field", operation["path"])
            *parents, last = operation["path"].strip("/").split("/")
            place = self.flows[flow]
            for step in parents:
                place = place[int(step)] if isinstance(place, list) else place[step]
            place[last] = operation["value"]
        return response(204)

    def delete_flow(self, _request, _query, _body, flow):
        return response(204) if self.flows.pop(flow, None) else missing()

    def clone_flow(self, _request, _query, body, flow):
        if not body.get("_integrationId"):
            return failure(400, "invalid_ref", "_integrationId")
        used = {item["_connectionId"] for kind in ("exports", "imports") for item in self.resources[kind]
                if "_connectionId" in item}  # fmt: skip
        if used - set(body.get("connectionMap", {})):
            return failure(400, "invalid_connectionMap", "every connection must be mapped")
        self.calls.append({"clone": body})
        return response(201, orjson.dumps([{"model": "Export", "_id": "a" * 24}, {"model": "Flow", "_id": "b" * 24}]))

    def replace_connection(self, _request, _query, body, flow):
        self.calls.append({"replaceConnection": body, "flow": flow})
        return response(200, orjson.dumps(self.flows[flow]))

    def audit(self, request, query, _body, flow):
        return self._paged(request, query, [{"event": "update", "resourceId": flow, "time": _iso(one)} for one in range(3)])

    def template(self, *_):
        return response(200, b'{"signedURL":"https://files.example/template.zip?sig=abc"}')

    def dependencies(self, *_):
        return response(200, b'{"exports":[{"id":"e","name":"n"}]}')

    def descendants(self, *_):
        return response(200, orjson.dumps({"exports": self.resources["exports"], "imports": self.resources["imports"]}))

    def run_stats(self, _request, _query, body):
        return response(200, orjson.dumps([{"_flowId": one, "runs": 1} for one in body["_flowIds"]]))

    def last_export(self, _request, _query, _body, _flow):
        if self.watermark is None:
            return response(200, b"{}")
        return response(200, orjson.dumps({"lastExportDateTime": _iso(self.watermark / 1000)}))

    # Runs and jobs

    def run_flow(self, request, _query, body, flow):
        if flow not in self.flows:
            return missing()
        if self.flows[flow].get("disabled"):
            return failure(422, "invalid_flow", "the flow is disabled")
        if any(self._view(job)["status"] not in ENDED and job["flow"] == flow for job in self.jobs):
            self.faults.append("run while a job of the flow is open")
            return failure(409, "flow_job_already_queued", "already queued")
        body = body or {}
        unknown = set(body) - {"export", "startDate", "endDate", "_exportIds"}
        if unknown:
            self.faults.append(f"run with {sorted(unknown)}")
        shape = "nested" if "export" in body else "topLevel" if "startDate" in body else "none"
        if self.refuse_other_shape and shape not in (self.shape, "none"):
            return failure(400, "invalid_field", "unknown field")
        now = int(time.time() * 1000)
        low, high = (_window(body) if shape == self.shape else (self.watermark or 0, now))
        count = sum(low < record and (not self.uses_end or record <= high) for record in self.records)
        if shape != self.shape or self.moves_watermark:
            self.watermark = high if shape == self.shape else now
        status, errors = self.outcomes.pop(0) if self.outcomes else ("completed", 0)
        job = {"id": f"{len(self.jobs) + 0xE00:024x}", "flow": flow, "created": time.time(), "ends": status,
               "errors": errors, "count": count}  # fmt: skip
        self.jobs.append(job)
        self.runs.append({"flow": flow, "body": body})
        if self.lose_run_answer:
            self.lose_run_answer = False
            request.connection.reset()
            return None
        return response(201, orjson.dumps({"_jobId": job["id"]} if self.name_job else {}))

    def latest_jobs(self, _request, _query, _body, flow):
        mine = [job for job in self.jobs if job["flow"] == flow]
        return response(200, orjson.dumps([self._view(mine[-1])])) if mine else response(204)

    def list_jobs(self, _request, query, _body):
        if not set(query) & JOB_FILTERS:
            return failure(400, "invalid_query", "a filter is required")
        if query.get("type") in ("export", "import") and not set(query) & {"_flowJobId", "_exportId", "_importId"}:
            return failure(400, "invalid_query", "a run or a resource is required")
        if set(query) - JOB_QUERY:
            self.faults.append(f"jobs asked with {sorted(query)}")
        jobs = [self._view(job) for job in reversed(self.jobs)]
        jobs = [job for job in jobs if query.get("_flowId", job["_flowId"]) == job["_flowId"]]
        jobs = [job for job in jobs if query.get("status", job["status"]) == job["status"]]
        jobs = [job for job in jobs if job["createdAt"] >= query.get("createdAt_gte", "")]
        jobs = [job for job in jobs if job["createdAt"] <= query.get("createdAt_lte", "9")]
        return response(200, orjson.dumps(jobs[:1001])) if jobs else response(204)

    def get_job(self, _request, _query, _body, job):
        found = self._job(job)
        return response(200, orjson.dumps(self._view(found))) if found else missing()

    def cancel_job(self, _request, _query, _body, job):
        found = self._job(job)
        if not found:
            return missing()
        found["ends"], found["created"] = "canceled", 0
        return response(200, orjson.dumps(self._view(found)))

    def current_jobs(self, _request, _query, body):
        jobs = [self._view(job) for job in self.jobs]
        jobs = [job for job in jobs if job["status"] not in ENDED]
        jobs = [job for job in jobs if (body or {}).get("_flowId", job["_flowId"]) == job["_flowId"]]
        return response(200, orjson.dumps(jobs)) if jobs else response(204)

    def signed(self, request, *_):
        return response(200, orjson.dumps({"signedURL": f"https://files.example{request.path}?sig=abc"}))

    def job_errors(self, request, query, _body, _job):
        return self._paged(request, query, [{"code": "legacy", "message": "m"}])

    def _job(self, job):
        return next((one for one in self.jobs if one["id"] == job), None)

    def _view(self, job):
        age = time.time() - job["created"]
        status = job["ends"] if age >= self.running else "queued" if age < self.running / 2 else "running"
        ended, count, errors = status in ENDED, job.get("count", 1), job.get("errors", 0)
        return {
            "_id": job["id"], "type": "flow", "_flowId": job["flow"], "createdAt": _iso(job["created"]),
            "status": status, "numError": errors if ended else 0, "numOpenError": errors if ended else 0,
            "numSuccess": count - errors if ended else 0, "numExport": count if ended else 0, "numIgnore": 0,
            "numPagesGenerated": 0 if status == "failed" else 1,
        }  # fmt: skip

    # Errors

    def flow_errors(self, _request, _query, _body, _flow):
        return response(200, orjson.dumps([{"_expOrImpId": "d" * 24, "numError": len(self.record_errors),
                                            "lastErrorAt": _iso(1)}]))  # fmt: skip

    def integration_errors(self, _request, _query, _body, _integration):
        return response(200, orjson.dumps([{"_flowId": "f" * 24, "numError": 2, "lastErrorAt": _iso(1)}]))

    def step_errors(self, request, query, _body, flow, step):
        found = [one for one in self.record_errors if query.get("source", one["source"]) == one["source"]]
        found = [one for one in found if query.get("occurredAt_gte", "") <= one["occurredAt"]]
        found = [one for one in found if one["occurredAt"] <= query.get("occurredAt_lte", "9")]
        skip = int(query.get("skip", 0))
        answer = {"errors": found[skip : skip + self.page]}
        if skip + self.page < len(found):
            answer["nextPageURL"] = f"/v1/flows/{flow}/{step}/errors?skip={skip + self.page}"
        return response(200, orjson.dumps(answer))

    def retry(self, _request, _query, body, flow, step):
        if list(body) not in (["retryDataKeys"], ["errorIds"]):
            self.faults.append(f"retry with {body}")
        self.calls.append({"retry": body})
        return response(200, b'{"_jobId":"777777777777777777777777"}')

    def resolve(self, _request, _query, body, flow, step):
        if list(body) != [self.resolve_key]:
            return failure(422, "invalid_field", "unknown field")
        self.calls.append({"resolved": body})
        return response(204)

    def retry_data(self, _request, _query, _body, _flow, _step, key):
        return response(200, orjson.dumps({"data": {"key": key}}))

    # Other doors

    def invoke(self, _request, _query, body, kind, one):
        if kind == "imports" and not isinstance(body, list):
            self.faults.append("an import takes a list")
        if one not in [item["_id"] for item in self.resources[kind]]:
            return missing()
        return response(200, orjson.dumps([{"statusCode": 200, "id": index} for index, _ in enumerate(body or [1])]))

    def state_keys(self, *_):
        return response(200, orjson.dumps([{"key": key} for key in self.state]))

    def get_state(self, _request, _query, _body, key):
        return response(200, orjson.dumps(self.state[key])) if key in self.state else missing()

    def put_state(self, _request, _query, body, key):
        self.state[key] = body
        return response(200)

    def delete_state(self, _request, _query, _body, key):
        return response(204) if self.state.pop(key, None) is not None else missing()


PAGES = {"include", "exclude", "skip"}
# What each route may be asked; nothing where none is named.
QUERIES = {
    "list_flows": PAGES, "list_resources": PAGES, "audit": PAGES, "job_errors": PAGES, "list_jobs": JOB_QUERY,
    "step_errors": {"occurredAt_gte", "occurredAt_lte", "source", "skip"},
}  # fmt: skip
FLOW = f"/flows/{ID}"
ROUTES = [
    ("GET", "/tokenInfo", "token_info"), ("GET", "/flows", "list_flows"), ("POST", "/flows", "create_flow"),
    ("POST", "/flows/runs/stats", "run_stats"), ("GET", FLOW, "get_flow"), ("PUT", FLOW, "put_flow"),
    ("PATCH", FLOW, "patch_flow"), ("DELETE", FLOW, "delete_flow"), ("POST", FLOW + "/clone", "clone_flow"),
    ("POST", FLOW + "/run", "run_flow"), ("PUT", FLOW + "/replaceConnection", "replace_connection"),
    ("GET", FLOW + "/audit", "audit"), ("GET", FLOW + "/template", "template"),
    ("GET", FLOW + "/dependencies", "dependencies"), ("GET", FLOW + "/descendants", "descendants"),
    ("GET", FLOW + "/lastExportDateTime", "last_export"), ("GET", FLOW + "/jobs/latest", "latest_jobs"),
    ("GET", f"/integrations/{ID}/flows", "list_flows"), ("GET", f"/integrations/{ID}/errors", "integration_errors"),
    ("GET", "/jobs", "list_jobs"), ("POST", "/jobs/current", "current_jobs"), ("GET", f"/jobs/{ID}", "get_job"),
    ("PUT", f"/jobs/{ID}/cancel", "cancel_job"), ("GET", f"/jobs/{ID}/diagnostics", "signed"),
    ("GET", f"/jobs/{ID}/joberrors", "job_errors"), ("GET", f"/jobs/{ID}/errorFile/signedURL", "signed"),
    ("GET", FLOW + "/errors", "flow_errors"), ("GET", f"{FLOW}/{ID}/errors", "step_errors"),
    ("POST", f"{FLOW}/{ID}/retry", "retry"), ("PUT", f"{FLOW}/{ID}/resolved", "resolve"),
    ("GET", f"{FLOW}/{ID}/(.+)/data", "retry_data"), ("GET", "/(exports|imports|connections)", "list_resources"),
    ("GET", f"/(exports|imports|connections)/{ID}", "get_resource"), ("POST", f"/(exports|imports)/{ID}/invoke", "invoke"),
    ("GET", "/state", "state_keys"), ("GET", "/state/(.+)", "get_state"), ("PUT", "/state/(.+)", "put_state"),
    ("DELETE", "/state/(.+)", "delete_state"),
]  # fmt: skip


def failure(status, code, message):
    return response(status, orjson.dumps({"errors": [{"code": code, "message": message}]}))


def missing():
    return failure(404, "not_found", "not found")


async def main(config: dict):
    integrator = Integrator(**config)
    _, port = await http_server.listen(integrator.handle)
    control = Control({"stats": integrator.stats, "configure": integrator.configure})
    control.announce(ready={"port": port})
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(main(orjson.loads(file.read())))
