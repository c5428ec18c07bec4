"""The stores' contents in the words of the HTTP API."""

import base64
from typing import Any

from runtime.infra.consul.catalog import Catalog, Check, Service
from runtime.infra.consul.keys import Entry
from runtime.infra.consul.sessions import Session
from runtime.infra.consul.state import DATACENTRE, NODE, NODE_CHECK

NODE_ID = "00000000-0000-4000-8000-000000000001"


class Views:
    """What the agent, catalogue and health endpoints show; `address` is the node's."""

    def __init__(self, address: str, catalog: Catalog) -> None:
        self._address = address
        self._catalog = catalog

    def member(self) -> dict[str, Any]:
        """The only member of the cluster."""
        return {"Name": NODE, "Addr": self._address, "Port": 8301, "Tags": {"dc": DATACENTRE}, "Status": 1}

    def node(self) -> dict[str, Any]:
        """The only node."""
        return {
            "ID": NODE_ID,
            "Node": NODE,
            "Address": self._address,
            "Datacenter": DATACENTRE,
            "TaggedAddresses": {"lan": self._address, "wan": self._address},
            "Meta": {},
            "CreateIndex": 1,
            "ModifyIndex": 1,
        }

    def agent(self, service: Service) -> dict[str, Any]:
        """An instance, as the agent lists it."""
        return {
            "ID": service.id,
            "Service": service.name,
            "Tags": service.tags,
            "Meta": service.meta,
            "Address": service.address,
            "Port": service.port,
            "Weights": {"Passing": 1, "Warning": 1},
            "EnableTagOverride": False,
            "Datacenter": DATACENTRE,
        }

    def health(self, service: Service) -> dict[str, Any]:
        """An instance, as the health endpoints list it."""
        indices = {"CreateIndex": service.create_index, "ModifyIndex": service.modify_index}
        return self.agent(service) | indices

    def catalog(self, service: Service) -> dict[str, Any]:
        """An instance, as the catalogue lists it."""
        return self.node() | {
            "ServiceID": service.id,
            "ServiceName": service.name,
            "ServiceTags": service.tags,
            "ServiceMeta": service.meta,
            "ServiceAddress": service.address,
            "ServicePort": service.port,
            "CreateIndex": service.create_index,
            "ModifyIndex": service.modify_index,
        }

    def node_check(self) -> dict[str, Any]:
        """The check that every node has."""
        return {
            "Node": NODE,
            "CheckID": NODE_CHECK,
            "Name": "Serf Health Status",
            "Status": "passing",
            "Notes": "",
            "Output": "Agent alive and reachable",
            "ServiceID": "",
            "ServiceName": "",
            "ServiceTags": [],
            "Type": "",
            "CreateIndex": 1,
            "ModifyIndex": 1,
        }

    def check(self, check: Check) -> dict[str, Any]:
        """A TTL check."""
        service = self._catalog.services[check.service_id]
        return {
            "Node": NODE,
            "CheckID": check.id,
            "Name": check.name,
            "Status": check.status,
            "Notes": check.notes,
            "Output": check.output,
            "ServiceID": service.id,
            "ServiceName": service.name,
            "ServiceTags": service.tags,
            "Type": "ttl",
            "CreateIndex": check.create_index,
            "ModifyIndex": check.modify_index,
        }


def entry_view(entry: Entry) -> dict[str, Any]:
    """A key, its value in base64."""
    view = {
        "LockIndex": entry.lock_index,
        "Key": entry.key,
        "Flags": entry.flags,
        "Value": base64.b64encode(entry.value).decode() if entry.value else None,
        "CreateIndex": entry.create_index,
        "ModifyIndex": entry.modify_index,
    }
    return view | {"Session": entry.session} if entry.session else view


def session_view(session: Session) -> dict[str, Any]:
    """A session."""
    return {
        "ID": session.id,
        "Name": session.name,
        "Node": NODE,
        "LockDelay": round(session.lock_delay * 1e9),
        "Behavior": session.behavior,
        "TTL": session.ttl_text,
        "NodeChecks": [check for check in session.checks if check == NODE_CHECK],
        "ServiceChecks": [{"ID": check, "Namespace": ""} for check in session.checks if check != NODE_CHECK]
        or None,
        "CreateIndex": session.index,
        "ModifyIndex": session.index,
    }
