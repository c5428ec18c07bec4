"""A Consul agent without a network, on a clock that the tests move."""

import asyncio
import json

from runtime.infra.consul.api import Api
from runtime.infra.consul.http import Request


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


class Client:
    """Asks an Api without a network."""

    def __init__(self, **options):
        self.clock = Clock()
        self.api = Api(self.clock, **options)

    def ask(self, method, path, body=None, headers=None, **query):
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        query = {name: str(value) for name, value in query.items()}
        request = Request(method, path, query, headers or {}, content, lambda: False)
        return asyncio.run(self.api.handle(request))

    def get(self, path, **query):
        return self.ask("GET", path, **query)

    def put(self, path, body=None, **query):
        return self.ask("PUT", path, body, **query)

    def later(self, seconds):
        self.clock.time += seconds
        self.api.expire()

    def session(self, **body):
        return self.put("/v1/session/create", body).data["ID"]

    def key(self, name):
        answer = self.get(f"/v1/kv/{name}")
        return answer.data[0] if answer.data else None

    def register(self, instance="risk-1", name="risk", **check):
        check = {"TTL": "10s", "Status": "passing", **check}
        body = {
            "ID": instance,
            "Name": name,
            "Address": "127.0.0.1",
            "Port": 8005,
            "Tags": ["v1"],
            "Check": check,
        }
        self.put("/v1/agent/service/register", body)

    def passing(self, name="risk"):
        found = self.get(f"/v1/health/service/{name}", passing="1").data
        return [entry["Service"]["ID"] for entry in found]
