"""Avro schemas as Salesforce writes them, and their ids."""

import base64
import functools
import hashlib
import json

import fastavro
from fastavro.schema import to_parsing_canonical_form

NAMESPACE = "com.sforce.eventbus"
CHANGE_TYPES = (
    "CREATE UPDATE DELETE UNDELETE GAP_CREATE GAP_UPDATE GAP_DELETE GAP_UNDELETE GAP_OVERFLOW SNAPSHOT".split()
)


def _field(name, avro_type, doc):
    return {"name": name, "type": ["null", avro_type], "doc": doc, "default": None}


def _header():
    strings = {"type": "array", "items": "string"}
    return {
        "name": "ChangeEventHeader",
        "doc": "Data:ComplexValueType",
        "type": {
            "type": "record",
            "name": "ChangeEventHeader",
            "fields": [
                {"name": "entityName", "type": "string"},
                {"name": "recordIds", "type": strings},
                {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": CHANGE_TYPES}},
                {"name": "changeOrigin", "type": "string"},
                {"name": "transactionKey", "type": "string"},
                {"name": "sequenceNumber", "type": "int"},
                {"name": "commitTimestamp", "type": "long"},
                {"name": "commitNumber", "type": "long"},
                {"name": "commitUser", "type": "string"},
                {"name": "nulledFields", "type": strings},
                {"name": "diffFields", "type": strings},
                {"name": "changedFields", "type": strings},
            ],
        },
    }


def _address():
    texts = ["Street", "City", "State", "PostalCode", "Country"]
    fields = [{"name": name, "type": ["null", "string"], "default": None} for name in texts]
    fields += [{"name": name, "type": ["null", "double"], "default": None} for name in ("Latitude", "Longitude")]
    fields.append({"name": "GeocodeAccuracy", "type": ["null", "string"], "default": None})
    return {"type": "record", "name": "Address", "fields": fields}


def _change_event(name, fields):
    return {"type": "record", "name": name, "namespace": NAMESPACE, "fields": [_header(), *fields]}


def _audit():
    return [
        _field("LastModifiedDate", "long", "Data:DateTime"),
        _field("LastModifiedById", "string", "ForeignKey:EntityId"),
    ]


def _own(version):
    """The fields every test object has. Version 2 puts a new field in front, so every later bit moves by one."""
    added = [_field("Added__c", "string", "Data:Text:00N000000000009")] if version == 2 else []
    return added + [
        _field("Seq__c", "double", "Data:Double:00N000000000001"),
        _field("Amount__c", "double", "Data:Currency:00N000000000002"),
        _field("Notes__c", "string", "Data:StringPlusClob:00N000000000003"),
    ]


def account(version=1):
    return _change_event(
        "AccountChangeEvent",
        [
            _field("Name", "string", "Data:Text"),
            _field("Industry", "string", "Data:DynamicEnum"),
            _field("BillingAddress", _address(), "Data:Address"),
            _field("ShippingAddress", "Address", "Data:Address"),
            _field("Phone", "string", "Data:Phone"),
            _field("NumberOfEmployees", "int", "Data:Integer"),
            *_audit(),
            *_own(version),
        ],
    )


def production_order(version=1):
    return _change_event(
        "sfy24__ProductionOrder__ChangeEvent",
        [
            _field("Name", "string", "Data:Text"),
            _field("sfy24__Status__c", "string", "Data:DynamicEnum:00N000000000004"),
            _field("sfy24__Planned_Start__c", "long", "Data:DateOnly:00N000000000005"),
            _field("sfy24__Rush__c", "boolean", "Data:Boolean:00N000000000006"),
            *_audit(),
            *_own(version),
        ],
    )


def opportunity(version=1):
    return _change_event(
        "OpportunityChangeEvent",
        [
            _field("Name", "string", "Data:Text"),
            _field("StageName", "string", "Data:DynamicEnum"),
            _field("CloseDate", "long", "Data:DateOnly"),
            *_audit(),
            *_own(version),
        ],
    )


def case(version=1):
    """It has no Name."""
    own = [_field("Subject", "string", "Data:Text"), _field("IsEscalated", "boolean", "Data:Boolean")]
    return _change_event("CaseChangeEvent", [*own, *_audit(), *_own(version)])


def order_ready(version=1):
    """A platform event."""
    own = [_field("Order_Number__c", "string", "Data:Text:00N000000000007"), *_own(version)]
    return {
        "type": "record",
        "name": "Order_Ready__e",
        "namespace": NAMESPACE,
        "fields": [
            {"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"},
            {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"},
            *own,
        ],
    }


def schema_id(schema: dict) -> str:
    """base64url, without padding, of the MD5 of the Parsing Canonical Form."""
    canonical = to_parsing_canonical_form(schema)
    return base64.urlsafe_b64encode(hashlib.md5(canonical.encode()).digest()).rstrip(b"=").decode()


class WriterSchema:
    def __init__(self, schema):
        self.json = json.dumps(schema)
        self.id = schema_id(schema)
        self.parsed = fastavro.parse_schema(json.loads(self.json))
        self.names = [field["name"] for field in schema["fields"]]

    def bitmap(self, names) -> list[str]:
        """The elements of `changedFields` for top-level and `Parent.Child` names."""
        top, nested = 0, {}
        for name in names:
            parent, _, child = name.partition(".")
            if child:
                children = [field["name"] for field in _address()["fields"]]
                index = self.names.index(parent)
                nested[index] = nested.get(index, 0) | 1 << children.index(child)
            else:
                top |= 1 << self.names.index(parent)
        elements = [_hex(top)] if top else []
        return elements + [f"{index}-{_hex(bits)}" for index, bits in sorted(nested.items())]


@functools.cache
def writer(make, version) -> WriterSchema:
    return WriterSchema(make(version))


def _hex(bits: int) -> str:
    text = f"{bits:X}"
    return "0x" + text.zfill(len(text) + len(text) % 2)
