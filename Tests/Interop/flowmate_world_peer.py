"""A whole FlowMate: users, flows that are switched, edited and removed, pages that shift under a scan, and webhooks that run
flows, each as the documents say. Keeps what every flow got.

Run as `python flowmate_world_peer.py <config.json>`; keys are those of `FlowMate` in flowmate_api_peer.py, and `decoys`: flows
that may be removed one by one after the first page of a scan, so that another flow slips past the next page.
"""

import asyncio
import re
import sys

import orjson

import http_server
from control import Control
from flowmate_api_peer import FlowMate
from http_server import response

PLACE = ("sluice-commit-timestamp", "sluice-commit-number", "sluice-sequence-number")
HEX32 = re.compile(r"^[0-9a-f]{32}$")


class World(FlowMate):
    def __init__(self, decoys=0, **config):
        super().__init__(**config)
        self.decoys = [flow["id"] for flow in self.flows[:decoys]]
        self.got = []  # (flow, data), in order of arrival
        self.seen = {}  # request id -> (flow, delivery)
        self.dropped = 0
        self.not_found = 0
        self.scans = 0
        self.edits = 0
        self.forgotten = 0  # executions that a breakdown inside swallowed, of the first flow

    def apply(self, changes):
        """Edits flows by id: status, inputs, owner; `gone` removes one. Each edit moves `updatedAt`."""
        for one, change in changes.items():
            flow = self._find(one)
            if change.get("gone"):
                self.flows.remove(flow)
                continue
            self.edits += 1
            if "status" in change:
                flow["status"] = change["status"]
            if "owner" in change:
                flow["owners"] = [{"id": change["owner"], "type": "user"}]
            if "inputs" in change:
                flow["payload"] = {"inputParameters": change["inputs"]}
            flow["updatedAt"] = f"2026-03-01T00:{self.edits // 60 % 60:02d}:{self.edits % 60:02d}.000Z"

    def summary(self):
        return {"got": self.got, "faults": self.faults, "scans": self.scans, "dropped": self.dropped,
                "not_found": self.not_found, "count": len(self.got)}  # fmt: skip

    def _flows(self, query):
        answer = super()._flows(query)
        if query.get("page[number]") == "1" and self.decoys:
            self.flows.remove(self._find(self.decoys.pop(0)))
        return answer

    def _users(self, query):
        self.scans += 1  # each scan begins with the users
        return super()._users(query)

    def _webhook(self, request, flow_id):
        headers = request.headers
        if request.method != "POST" or headers.get("content-type", "").partition(";")[0] != "application/json":
            self.faults.append(f"{request.method} of a webhook with {headers.get('content-type')}")
        if "authorization" in headers or "origin" in headers:
            self.faults.append("a header that has no place at a webhook")
        if not all(headers.get(name, "").isdigit() for name in PLACE):
            self.faults.append("a change that does not say its place among others")
        flow = self._find(flow_id)
        if not flow or flow["status"] != "active" or flow.get("cron"):
            self.not_found += 1
            body = orjson.dumps({"error": f"Flow {flow_id} either does not exist or is inactive."})
            asyncio.get_running_loop().call_later(1, request.connection.answer, response(404, body))
            return None
        request_id, delivery = headers.get("x-request-id", ""), headers.get("webhook-id", "")
        if not HEX32.match(request_id):
            self.faults.append(f"x-request-id {request_id}")
        if self.seen.setdefault(request_id, (flow_id, delivery)) != (flow_id, delivery):
            self.faults.append("one x-request-id for two flows or deliveries")
        document = orjson.loads(request.body)
        data = document.get("data")
        if list(document) != ["data"] or not isinstance(data, dict):
            self.faults.append(f"body {document}")
        wrong = self._misfit(data, flow["payload"]["inputParameters"])
        if wrong:
            self.faults.append(f"{flow['name']}: {wrong}")
        if (flow_id, request_id) in self.seen:
            self.dropped += 1
        else:
            self.seen[(flow_id, request_id)] = True
            self.got.append([flow_id, data])
        return response(200, orjson.dumps({"data": {"requestId": request_id, "message": "thank you"}}))

    def _executions(self, query):
        if set(query) != {"start", "end", "groupby"} or query["groupby"] != "flow":
            self.faults.append(f"executions asked with {query}")
        counts = {}
        for flow, _ in self.got[self.forgotten :]:
            counts[flow] = counts.get(flow, 0) + 1
        return response(200, orjson.dumps({"data": [{"id": flow, "count": count} for flow, count in counts.items()]}))

    @staticmethod
    def _misfit(data, inputs):
        """What a flow that trusts its contract would stumble over."""
        kinds = {"string": str, "number": (int, float), "boolean": bool}
        for name, kind in inputs.items():
            if name not in data:
                return f"{name} is missing"
            if not isinstance(data[name], kinds[kind]) or (kind == "number" and isinstance(data[name], bool)):
                return f"{name} is no {kind}"
        return next((f"{name} is not in the contract" for name in data if name not in inputs), None)


async def main(config: dict):
    world = World(**config)
    _, port = await http_server.listen(world.handle)
    control = Control(
        {"stats": world.stats, "configure": world.configure, "apply": world.apply, "summary": world.summary,
         "counts": lambda: {"count": len(world.got), "scans": world.scans}}
    )  # fmt: skip
    control.announce(ready={"port": port})
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(main(orjson.loads(file.read())))
