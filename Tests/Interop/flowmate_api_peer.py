"""FlowMate's management API, written from its documented behaviour alone: paths, two user ids, paging, traps.

Run as `python flowmate_api_peer.py <config.json>`. Anything that a client must never do is kept as a fault.
"""

import asyncio
import re
import sys
import urllib.parse

import orjson

import http_server
from control import Control
from http_server import response

HEX24 = re.compile(r"^[0-9a-fA-F]{24}$")
FLOW_QUERY = {"page[size]", "page[number]", "filter[status]", "filter[user]", "filter[type]", "filter[fromTemplate]",
              "sort", "search"}  # fmt: skip
STATUS = {"active": "active", "1": "active", "inactive": "inactive", "0": "inactive"}


class FlowMate:
    def __init__(self, token="flowmate-token", users=None, flows=None, users_path="/users", users_form="list",
                 conflict=False, shift_after=None, max_page=None, deny_users=False):  # fmt: skip
        self.token = token
        self.users = users or []
        self.flows = flows or []
        self.users_path = users_path
        self.users_form = users_form  # list, wrapped, single
        self.conflict = conflict  # answer 409 to starting what is not inactive, as the reference says
        self.shift_after = shift_after  # after that page of flows, the first active flow is switched off
        self.max_page = max_page  # a gateway's limit on page[size]
        self.deny_users = deny_users
        self.head_status = None  # what a gateway answers to HEAD instead of letting it pass
        self.requests = []
        self.faults = []
        self.outage = None

    def configure(self, **changes):
        for name, value in changes.items():
            if not hasattr(self, name):
                raise KeyError(name)
            setattr(self, name, value)

    def stats(self):
        return {"requests": self.requests, "faults": self.faults, "users": self.users, "flows": self.flows}

    def handle(self, request) -> bytes | None:
        path = request.path
        query = urllib.parse.parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
        body = request.body.decode("utf-8", "replace")
        self.requests.append({"method": request.method, "path": path, "query": query, "body": body,
                              "headers": request.headers})  # fmt: skip
        self._check(request)
        if self.outage:
            return response(self.outage["status"], self.outage.get("body", "").encode(),
                            self.outage.get("type", "application/json"))  # fmt: skip
        if path.startswith("/webhooks/"):
            return self._webhook(request, path.removeprefix("/webhooks/"))
        if path == "/login":
            return self._login(request)
        refusal = self._refuse(request, path)
        return refusal or self._route(request, path, query)

    def _check(self, request):
        if "origin" in request.headers:
            self.faults.append("an Origin header")
        if request.method in ("POST", "PUT", "PATCH") and request.body:
            if request.headers.get("content-type", "").partition(";")[0] != "application/json":
                self.faults.append(f"content type {request.headers.get('content-type')}")
        headers = request.headers
        if headers.get("accept") != "application/json" or not headers.get("user-agent", "").startswith("Sluice/"):
            self.faults.append(f"accept {headers.get('accept')}, user agent {headers.get('user-agent')}")
        if request.method in ("GET", "HEAD") and request.body:
            self.faults.append(f"{request.method} with a body")
        if request.method != "GET" and "?" in request.target:
            self.faults.append(f"{request.method} with a query")
        if "x-auth-type" in request.headers:
            self.faults.append("x-auth-type")
        if request.path.endswith("/logout"):
            self.faults.append("logout: may end another process's session")

    def _refuse(self, request, path):
        given = request.headers.get("authorization")
        iam = path.startswith(("/api/v1/", self.users_path))
        if given is None:
            return _message(401, "No token") if iam else _errors(401, "Missing authorization header.")
        if given != f"Bearer {self.token}":
            return _message(401, "Token invalid") if iam else _errors(401, "Token invalid. Error: unknown")
        return None

    def _route(self, request, path, query):
        get, post = request.method == "GET", request.method == "POST"
        if path == self.users_path and get:
            return self._users(query)
        if path == "/impersonate" and post:
            return self._impersonate(request)
        if path == "/api/v1/tokens/refresh" and get:
            return response(200, orjson.dumps({"token": self.token}))
        if path == "/api/v1/tokens" and post:
            return self._create_token(request)
        if path == "/icenter/executions" and get:
            return self._executions(dict(query))
        pieces = path.strip("/").split("/")
        if pieces[0] != "flows":
            return _message(404, "Not found")
        if len(pieces) == 1 and get:
            return self._flows(dict(query))
        if len(pieces) == 2 and get:
            return self._flow(pieces[1])
        if len(pieces) == 3 and pieces[1] == "multiple" and post:
            return self._multiple(pieces[2], request)
        if len(pieces) == 3 and pieces[2] in ("start", "stop") and post:
            return response_of(self._control(pieces[1], pieces[2]))
        if len(pieces) == 5 and pieces[2] == "steps" and pieces[4] == "logs" and get:
            return response(200, orjson.dumps({"data": [{"step": pieces[3], **dict(query)}], "meta": {}}))
        return _errors(404, "Not found")

    # Users

    def _users(self, query):
        if self.deny_users:
            return _message(403, "FORBIDDEN")
        names = [value for key, value in query if key == "username"]
        ids = [value for key, value in query if key == "userId"]
        unknown = {key for key, _ in query} - {"username", "userId", "meta"}
        if unknown:
            self.faults.append(f"users asked with {sorted(unknown)}")
        if any(not HEX24.match(one) for one in ids):
            return _message(500, "The filter is invalid.")
        found = [user for user in self.users if not names or user["username"] in names]
        found = [user for user in found if not ids or (user.get("_id") or user.get("id")) in ids]
        if dict(query).get("meta") or self.users_form == "wrapped":
            return response(200, orjson.dumps({"data": found, "meta": {"total": len(found)}}))
        if self.users_form == "single" and len(found) == 1:
            return response(200, orjson.dumps(found[0]))
        return response(200, orjson.dumps(found))

    def _impersonate(self, request):
        body = orjson.loads(request.body)
        user = next((user for user in self.users if user["username"] == body["username"]), None)
        if user is None:
            user = {"_id": f"{len(self.users) + 0xA000:024x}", "username": body["username"], "status": "ACTIVE"}
            self.users.append(user)
        return response(200, orjson.dumps({"token": "u" * 171, "id": user.get("_id") or user.get("id")}))

    def _login(self, request):
        if request.method != "POST":
            return response(404)
        if "authorization" in request.headers:
            self.faults.append("login with a credential")
        body = orjson.loads(request.body)
        if set(body) != {"username", "password"}:
            self.faults.append(f"login with {sorted(body)}")
        if body.get("password") != "correct horse":
            return _message(401, "PASSWORD_INCORRECT")
        return response(200, orjson.dumps({"token": "t" * 171, "id": "5" * 24}))

    def _create_token(self, request):
        body = orjson.loads(request.body)
        if not HEX24.match(body.get("accountId", "")) or body.get("expiresIn") != -1 or not body.get("description"):
            self.faults.append(f"token asked with {body}")
        return response(200, orjson.dumps({"token": "p" * 171, "id": "6" * 24}))

    # Flows

    def _flows(self, query):
        unknown = set(query) - FLOW_QUERY
        if unknown:
            self.faults.append(f"flows asked with {sorted(unknown)}")
        size, number = query.get("page[size]", "10"), query.get("page[number]", "1")
        if not number.isdigit() or int(number) < 1 or not size.isdigit():
            self.faults.append(f"page {number!r} of size {size!r}: never answered")
            return None
        size, number = int(size), int(number)
        if size == 0:
            self.faults.append("page[size]=0")
        size = min(size, self.max_page or size)
        status = query.get("filter[status]")
        if status is not None and status not in STATUS:
            return _errors(400, "Invalid filter[status] parameter")
        kind = query.get("filter[type]")
        if kind is not None and kind not in ("ordinary", "long_running"):
            return _errors(400, "Invalid filter[type] parameter")
        template = query.get("filter[fromTemplate]")
        if template is not None and not HEX24.match(template):
            return _errors(400, "Invalid filter[fromTemplate] parameter")
        order = query.get("sort", "createdAt")
        if order.lstrip("-") not in ("createdAt", "updatedAt", "name"):
            return _errors(400, "Invalid sort parameter")
        user = query.get("filter[user]")
        if user is not None and user not in [one.get("_id") or one.get("id") for one in self.users]:
            self.faults.append(f"filter[user]={user} is not from the list of users")
        found = [flow for flow in self.flows if status is None or flow["status"] == STATUS[status]]
        found = [flow for flow in found if user is None or user in [owner["id"] for owner in flow["owners"]]]
        found = [flow for flow in found if template is None or flow.get("fromTemplate") == template]
        found = [flow for flow in found if kind is None or flow.get("type") == kind]
        search = query.get("search", "")
        found = [flow for flow in found if search in flow["name"] or search in flow.get("description", "")]
        found.sort(key=lambda flow: flow.get(order.lstrip("-"), ""), reverse=order.startswith("-"))
        page = found[(number - 1) * size : number * size]
        meta = {"total": len(found), "page": number, "perPage": size, "totalPages": -(-len(found) // size)}
        answer = response(200, orjson.dumps({"data": page, "meta": meta}))
        if self.shift_after == number:
            page[0]["status"] = "inactive"
        return answer

    def _flow(self, flow_id):
        if not HEX24.match(flow_id):
            return _errors(400, "Invalid id")
        flow = self._find(flow_id)
        return response(200, orjson.dumps({"data": flow, "meta": {}})) if flow else _errors(404, "No flow found")

    def _control(self, flow_id, verb):
        """(status, document)"""
        if not HEX24.match(flow_id):
            return 400, {"errors": [{"message": "Invalid id", "code": 400}]}
        flow = self._find(flow_id)
        if not flow:
            return 404, {"errors": [{"message": "No flow with this ID found", "code": 404}]}
        wanted = "inactive" if verb == "start" else "active"
        if self.conflict and flow["status"] != wanted:
            return 409, {"errors": [{"message": f"Flow is not {wanted}", "code": 409}]}
        flow["status"] = "starting" if verb == "start" else "stopping"
        return 200, {"data": {"id": flow_id, "status": flow["status"]}, "meta": {}}

    def _multiple(self, verb, request):
        ids = orjson.loads(request.body)
        if not isinstance(ids, list):
            self.faults.append("multiple without a list")
            return response(500)
        return response(200, orjson.dumps([self._control(one, verb)[1] for one in ids]))

    def _find(self, flow_id):
        return next((flow for flow in self.flows if flow["id"] == flow_id), None)

    def _webhook(self, request, flow_id):
        if request.method != "HEAD":
            self.faults.append(f"{request.method} of a webhook runs the flow")
        if "authorization" in request.headers:
            self.faults.append("the token goes to the flow's first step")
        if self.head_status:
            return response(self.head_status)
        flow = self._find(flow_id)
        ready = flow and flow["status"] == "active" and not flow.get("cron")
        return response(200 if ready else 404)

    def _executions(self, query):
        if set(query) != {"start", "end", "groupby"} or query["groupby"] not in ("user", "flow", "component"):
            self.faults.append(f"executions asked with {query}")
        rows = [{"id": flow["id"], "name": flow["name"], "count": index} for index, flow in enumerate(self.flows[:3])]
        return response(200, orjson.dumps({"data": rows}))


def response_of(answer):
    return response(answer[0], orjson.dumps(answer[1]))


def _errors(status, text):
    return response(status, orjson.dumps({"errors": [{"message": text, "code": status}]}))


def _message(status, text):
    return response(status, orjson.dumps({"message": text}))


async def main(config: dict):
    flowmate = FlowMate(**config)
    _, port = await http_server.listen(flowmate.handle)
    control = Control({"stats": flowmate.stats, "configure": flowmate.configure})
    control.announce(ready={"port": port})
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(main(orjson.loads(file.read())))
