"""A living org whose Setup can be looked into, and that changes while it is watched.

Run as `python setup_peer.py <config.json>`. Keys: those of org_peer.py, and `members` (what /data/ChangeEvents carries),
`visible` (objects of which the user may see all records), `setup` (false: the user may not look into Setup), `versions`,
`limits`, `behind` (seconds that its clock is late), `text` (Notes__c of every record).
"""

import asyncio
import sys
import time
import urllib.parse

import orjson

import broker as model
import http_server
import org_peer
import schemas
from feed import FeedSpec
from http_server import response

CHANNEL = "/data/ChangeEvents"
LIMITS = {"DailyApiRequests": [100_000, 90_000], "DailyDeliveredPlatformEvents": [50_000, 49_000]}


class SetupOrg(org_peer.OrgServer):
    def __init__(self, config):
        super().__init__(config)
        self.broker.topics[CHANNEL] = model.Topic(FeedSpec(name=CHANNEL, count=0, entities=["Account", "Case"]), 0)
        self.broker.sent[CHANNEL] = 0
        self.org.channels = [self.broker.topics[CHANNEL]]
        self.bodies = {}
        self.org.text = config.get("text", "")

    def rest(self, request):
        path = request.path
        if path == "/services/data":
            versions = [{"version": version, "url": f"/services/data/v{version}"} for version in self.versions]
            late = time.time() - self.config.get("behind", 0)
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(late))
            return response(200, orjson.dumps(versions), headers=[("Date", date)])
        path = path.partition("/services/data/v62.0")[2]
        query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2])).get("q", "")
        if path == "/limits":
            limits = self.config.get("limits", LIMITS)
            return self.org.answer({name: {"Max": most, "Remaining": left} for name, (most, left) in limits.items()})
        if path == "/tooling/query":
            return self.tooling(query)
        if path == "/query" and "FROM PermissionSet " in query:
            return self.records([{"Id": "0PS1"}] if self.config.get("all_data") else [])
        if path == "/query" and "FROM ObjectPermissions " in query:
            return self.records([{"SobjectType": name} for name in self.config.get("visible", [])])
        return super().rest(request)

    @property
    def versions(self):
        return self.config.get("versions", ["61.0", "62.0", "67.0"])

    def tooling(self, query):
        if self.config.get("setup") is False:
            return self.org.answer([{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}], 403)
        members = self.config.get("members", [])
        if "SELECT SelectedEntity" in query:
            return self.records([{"SelectedEntity": name} for name in members])
        if "SELECT EventChannel" in query:
            return self.records([{"EventChannel": "ChangeEvents"} for name in members if f"'{name}'" in query])
        return self.records([])

    def records(self, found):
        return self.org.answer({"totalSize": len(found), "done": True, "records": found})

    def calls(self):
        return {
            "schema": self.schema, "tell": self.tell, "bodies": lambda: self.bodies, "move": self.move,
            "outage": lambda status=None: setattr(self.tokens, "outage", status),
            "streams": lambda: len(self.broker.subscribes),
        }  # fmt: skip

    async def start(self):
        ready = await super().start()
        receive = self.receiver.handle

        def handle(request):
            if request.path == "/hook":
                return receive(request)
            self.bodies.setdefault(request.path, []).append(orjson.loads(request.body))
            return response(200)

        _, port = await http_server.listen(handle, port=0)
        return {**ready, "hook_port": port}

    def schema(self, version):
        """An administrator adds or removes a field: from now on events have another schema."""
        self.org.writer = schemas.writer(schemas.account, version)
        self.broker.schemas[self.org.writer.id] = self.org.writer.json

    def tell(self, kind="UPDATE", record=0, seq=1, **more):
        self.org.tell(kind, org_peer.id_of(record), int(time.time() * 1000), seq, **more)

    def move(self, org_id):
        """The sandbox is refreshed: same address and app, another org; sessions and events of the old one are gone."""
        self.tokens.org_id = self.broker.config.org_id = org_id
        self.broker.strike({"kind": "revoke"})


if __name__ == "__main__":
    asyncio.run(org_peer.main(model.load(sys.argv[1]), SetupOrg))
