"""A Pub/Sub API on grpcio over TLS, with the org's token endpoint beside it.

Run as `python pubsub_peer.py <config.json>`. Keys: those of BrokerConfig, and `certificate`, `key` (PEM files),
`port`, `token_port` (0: any), `client_id`, `client_secret`, `login_error`, `max_connection_age_ms`.
"""

import asyncio
import os
import signal
import ssl
import sys

import grpc
import grpc.aio

import broker as model
import http_server
import managed
import wire
from control import Control
from http_peers import TokenEndpoint

STATUS = {code.value[0]: code for code in grpc.StatusCode}


class PubSubServer:
    def __init__(self, config: dict):
        self.config = config
        loop = asyncio.get_running_loop()
        broker_config = model.config_from(config)
        self.tokens = TokenEndpoint(
            broker_config.org_id,
            config.get("client_id", "interop-client"),
            config.get("client_secret", "interop-secret"),
            config.get("login_error"),
        )
        self.broker = model.Broker(broker_config, loop.time(), self.tokens.is_valid)
        self.managed = [managed.Subscription(spec) for spec in config.get("managed", [])]
        self.port = config.get("port", 0)
        self.control = None
        self._server = None
        self._stopping = set()

    async def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.config["certificate"], self.config["key"])
        _, token_port = await http_server.listen(
            self.tokens.handle, port=self.config.get("token_port", 0), ssl=context
        )
        self.tokens.base_url = f"https://localhost:{token_port}"
        self.broker.config.instance_url = self.tokens.base_url
        await self._listen()
        return {"port": self.port, "token_port": token_port}

    async def go_away(self, grace: float):
        """GOAWAY on every connection; streams may go on for `grace` seconds; a new server takes the port at once."""
        old = self._server
        task = asyncio.create_task(old.stop(grace))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        await self._listen()

    def die(self):
        self.control.announce(dying=self.broker.stats())
        os.kill(os.getpid(), signal.SIGKILL)

    async def _listen(self):
        options = [("grpc.so_reuseport", 1)]
        age = self.config.get("max_connection_age_ms")
        if age:
            options += [("grpc.max_connection_age_ms", age), ("grpc.max_connection_age_grace_ms", 500)]
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers([self._handlers()])
        with open(self.config["key"], "rb") as key, open(self.config["certificate"], "rb") as certificate:
            credentials = grpc.ssl_server_credentials([(key.read(), certificate.read())])
        self.port = server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        await server.start()
        self._server = server

    def _handlers(self):
        messages = wire.messages

        def unary(request, call):
            async def behave(message, context):
                refused = self._admit(context, False)
                if refused:
                    await self._abort(context, self.broker.aborted("unary", "", refused), "unary")
                answer = call(message)
                if isinstance(answer, model.Abort):
                    await self._abort(context, answer, "unary")
                return answer.SerializeToString()

            return grpc.unary_unary_rpc_method_handler(behave, request_deserializer=request.FromString)

        return grpc.method_handlers_generic_handler(
            wire.SERVICE,
            {
                "GetTopic": unary(messages.TopicRequest, lambda request: self.broker.get_topic(request.topic_name)),
                "GetSchema": unary(messages.SchemaRequest, lambda request: self.broker.get_schema(request.schema_id)),
                "Publish": unary(messages.PublishRequest, self.broker.publish),
                "Subscribe": grpc.stream_stream_rpc_method_handler(
                    self._subscribe, request_deserializer=messages.FetchRequest.FromString
                ),
                "ManagedSubscribe": grpc.stream_stream_rpc_method_handler(
                    self._managed, request_deserializer=messages.ManagedFetchRequest.FromString
                ),
                "PublishStream": grpc.stream_stream_rpc_method_handler(
                    self._publish_stream, request_deserializer=messages.PublishRequest.FromString
                ),
            },
        )

    def _admit(self, context, streaming):
        metadata = [(key, value) for key, value in context.invocation_metadata()]
        return self.broker.admit(context.peer(), metadata, streaming)

    async def _abort(self, context, abort, rpc):
        trailers = abort.trailers(rpc, self.broker.rpc_id())
        if abort.status == "OK":
            context.set_trailing_metadata(trailers)
            return
        await context.abort(STATUS[model.STATUS[abort.status]], abort.message, tuple(trailers))

    async def _subscribe(self, requests, context):
        refused = self._admit(context, True)
        if refused:
            await self._abort(context, self.broker.aborted("Subscribe", "", refused), "Subscribe")
        await self._run(model.Session(self.broker, context.peer()), requests, context)

    async def _managed(self, requests, context):
        refused = self._admit(context, True)
        if refused:
            await self._abort(context, self.broker.aborted("ManagedSubscribe", "", refused), "ManagedSubscribe")
        session = managed.Session(self.broker, context.peer(), self.managed)
        try:
            await self._run(session, requests, context)
        finally:
            session.close()

    async def _publish_stream(self, requests, context):
        refused = self._admit(context, True)
        if refused:
            await self._abort(context, self.broker.aborted("PublishStream", "", refused), "PublishStream")
        self.broker.unary["PublishStream"] = self.broker.unary.get("PublishStream", 0) + 1
        stream = managed.PublishStream(self.broker, self.config.get("break_publish_after"))
        async for request in requests:
            answer = stream.answer(request)
            if isinstance(answer, model.Abort):
                await self._abort(context, answer, "PublishStream")
                return
            await context.write(answer.SerializeToString())

    async def _run(self, session, requests, context):
        wake, problem = asyncio.Event(), []
        reader = asyncio.create_task(self._read(requests, session, context, wake, problem))
        try:
            await self._pump(session, context, wake, problem)
        finally:
            reader.cancel()

    async def _read(self, requests, session, context, wake, problem):
        loop = asyncio.get_running_loop()
        try:
            async for request in requests:
                abort = session.on_request(request, loop.time())
                if abort:
                    problem.append(abort)
                wake.set()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the connection went away; the pump is cancelled by grpcio itself
            print("reading ended:", error, file=sys.stderr)
            return
        await asyncio.sleep(0.5)  # a vanished client also ends the requests; then this task is cancelled here
        if context.cancelled():
            return
        session.on_half_close()
        wake.set()

    async def _pump(self, session, context, wake, problem):
        loop = asyncio.get_running_loop()
        while True:
            wake.clear()
            step = problem.pop() if problem else session.step(loop.time())
            if isinstance(step, model.Send):
                await context.write(step.data)
            elif isinstance(step, model.Wait):
                try:
                    await asyncio.wait_for(wake.wait(), step.seconds)
                except TimeoutError:
                    pass
            elif isinstance(step, model.Abort):
                await self._abort(context, step, "Subscribe")
                return
            else:
                await self._fault(step, context)

    async def _fault(self, fault, context):
        if fault.kind == "die":
            self.die()
        elif fault.kind == "goaway":
            await self.go_away(fault.options.get("grace", 1.0))
        elif fault.kind == "expire":  # for new calls only: open streams live on
            self.tokens.revoke_all()
        elif fault.kind == "revoke":
            self.tokens.revoke_all()
            abort = model.Abort("UNAUTHENTICATED", "service.auth.error", "The session is invalid or expired")
            await self._abort(context, self.broker.aborted("Subscribe", "revoked", abort), "Subscribe")
        else:
            raise ValueError(f"grpcio cannot do '{fault.kind}'; use the raw peer")


class Feeds:
    """What a test says about how fast events come."""

    def __init__(self, broker):
        self.broker = broker

    def rate(self, rate: float, topic=None):
        """From now on events become available at this rate: of one topic, or all."""
        for known in self._topics(topic):
            known.release(rate, self._now())

    def hold(self, topic=None, at=None):
        """No more come for now, and `at` so many are there."""
        for known in self._topics(topic):
            known.hold(self._now())
            known.held = known.held if at is None else at

    def available(self) -> dict:
        """How many events of each topic there are by now."""
        return {name: topic.available(self._now()) for name, topic in self.broker.topics.items()}

    def _topics(self, name):
        return self.broker.topics.values() if name is None else [self.broker.topics[name]]

    def _now(self):
        return asyncio.get_running_loop().time()


async def main(config: dict, make):
    server = make(config)
    ready = await server.start()
    tokens = server.tokens

    def stats():
        return {**server.broker.stats(), "tokens": {"issued": tokens.issued, "refused": tokens.refused}}

    feeds = Feeds(server.broker)
    server.control = Control(
        {
            "stats": stats,
            "goaway": lambda grace=1.0: server.go_away(grace),
            "die": server.die,
            "revoke": tokens.revoke_all,
            "tokens": lambda: sorted(tokens.given),
            "release": lambda topic, count: setattr(server.broker.topics[topic].spec, "released", count),
            "rate": feeds.rate,
            "hold": feeds.hold,
            "available": feeds.available,
            "strike": server.broker.strike,
            "trouble": lambda item=None: setattr(server.broker, "trouble", item),
            "teach": server.broker.teach,
            "outage": lambda status=None: setattr(tokens, "outage", status),
            "managed": lambda: [
                {"committed": item.committed, "commits": item.commits, "clients": item.clients,
                 "refusals": item.refusals, "active": item.active is not None} for item in server.managed
            ],
            "managed_state": lambda state: [setattr(item, "state", state) for item in server.managed],
            "published": lambda: [event.payload.hex() for event in server.broker.published],
        }
    )
    server.control.announce(ready=ready)
    await server.control.serve()


if __name__ == "__main__":
    asyncio.run(main(model.load(sys.argv[1]), PubSubServer))
