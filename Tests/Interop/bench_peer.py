"""The other side of sluice-bench's Avro part: fastavro and orjson on the same payloads.

  bench_peer.py write FILE [VECTORS]   writes the payload file
  bench_peer.py run FILE               prints {"workload": {"decode": s, "json": s}}, CPU seconds per event

The payload file is a JSON array of {"name", "schema", "payloads": [hex]}. VECTORS is a folder with captured events; without
it only generated events are written.
"""

import io
import json
import os
import random
import sys
import time

import fastavro
import orjson

PASSES = 5
SEED = 20261122


def header_fields():
    def strings(name):
        return {"name": name, "type": {"type": "array", "items": "string"}}

    symbols = ["CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE",
               "GAP_OVERFLOW", "SNAPSHOT"]
    return [
        {"name": "entityName", "type": "string"},
        strings("recordIds"),
        {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": symbols}},
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        strings("nulledFields"),
        strings("diffFields"),
        strings("changedFields"),
    ]


def order_schema():
    def nullable(name, avro_type, doc):
        return {"name": name, "type": ["null", avro_type], "doc": doc, "default": None}

    fields = [
        {"name": "ChangeEventHeader", "doc": "Data:ComplexValueType",
         "type": {"type": "record", "name": "ChangeEventHeader", "fields": header_fields()}},
        nullable("OwnerId", "string", "ForeignKey:EntityId"),
        nullable("Name", "string", "Data:Text"),
        nullable("CreatedDate", "long", "CreatedDate:DateTime"),
        nullable("CreatedById", "string", "ForeignKey:EntityId"),
        nullable("LastModifiedDate", "long", "Data:DateTime"),
        nullable("LastModifiedById", "string", "ForeignKey:EntityId"),
        nullable("sfy24__Status__c", "string", "Data:DynamicEnum"),
        nullable("sfy24__Quantity__c", "double", "Data:Double"),
        nullable("sfy24__Produced__c", "double", "Data:Double"),
        nullable("sfy24__Planned_Start__c", "long", "Data:DateTime"),
        nullable("sfy24__Due__c", "long", "Data:DateOnly"),
        nullable("sfy24__Shift_Start__c", "long", "Data:TimeOnly"),
        nullable("sfy24__Work_Center__c", "string", "ForeignKey:EntityId"),
        nullable("sfy24__Product__c", "string", "ForeignKey:EntityId"),
        nullable("sfy24__Priority__c", "int", "Data:Integer"),
        nullable("sfy24__Rush__c", "boolean", "Data:Boolean"),
        nullable("sfy24__Notes__c", "string", "Data:StringPlusClob"),
    ]
    fields += [nullable(f"sfy24__Spare_{i}__c", "string", "Data:Text") for i in range(14)]
    return {"type": "record", "name": "sfy24__ProductionOrder__ChangeEvent", "namespace": "com.sforce.eventbus",
            "fields": fields}


def order(random_source, number):
    def record_id(prefix):
        return prefix + "".join(random_source.choices("0123456789ABCDEFabcdef", k=12)) + "AAA"

    now = 1771300000000 + number * 137
    changed = [5, 7, 8, 9, 10, 13, 17]
    bits = sum(1 << i for i in changed)
    return {
        "ChangeEventHeader": {
            "entityName": "sfy24__ProductionOrder__c", "recordIds": [record_id("a0B")], "changeType": "UPDATE",
            "changeOrigin": "com/salesforce/api/rest/66.0;client=Planning/",
            "transactionKey": "%08x-0000-4000-8000-%012x" % (number, random_source.getrandbits(48)),
            "sequenceNumber": 1, "commitTimestamp": now, "commitNumber": 12279648331300 + number,
            "commitUser": record_id("005"), "nulledFields": [], "diffFields": [],
            "changedFields": ["0x%06X" % bits],
        },
        "LastModifiedDate": now,
        "sfy24__Status__c": random_source.choice(["Planned", "Released", "In Progress", "Completed"]),
        "sfy24__Quantity__c": random_source.randrange(1, 5000) / 4,
        "sfy24__Produced__c": float(random_source.randrange(0, 1000)),
        "sfy24__Planned_Start__c": now + 86400000,
        "sfy24__Work_Center__c": record_id("a0C"),
        "sfy24__Notes__c": "Line %d, checked by the shift lead; material lot %d is on its way." % (
            random_source.randrange(20), random_source.randrange(10**6)),
    }


def write(path, vectors):
    workloads = []
    if vectors and os.path.exists(os.path.join(vectors, "captured-account-events.json")):
        with open(os.path.join(vectors, "captured-account-events.json")) as file:
            captured = json.load(file)
        newest = captured[0]["schemaId"]
        with open(os.path.join(vectors, "schemas", newest + ".avsc")) as file:
            schema = json.load(file)
        payloads = [event["payloadHex"] for event in captured if event["schemaId"] == newest]
        workloads.append({"name": "captured Account events", "schema": schema, "payloads": payloads * 500})
    random_source = random.Random(SEED)
    schema = order_schema()
    parsed = fastavro.parse_schema(order_schema())
    payloads = []
    for number in range(1000):
        output = io.BytesIO()
        fastavro.schemaless_writer(output, parsed, order(random_source, number))
        payloads.append(output.getvalue().hex())
    workloads.append({"name": "production orders", "schema": schema, "payloads": payloads})
    with open(path, "w") as file:
        json.dump(workloads, file)


def best(work, payloads):
    times = []
    for _ in range(PASSES):
        start = time.process_time()
        for payload in payloads:
            work(payload)
        times.append(time.process_time() - start)
    return min(times) / len(payloads)


def run(path):
    with open(path) as file:
        workloads = json.load(file)
    results = {}
    for workload in workloads:
        schema = fastavro.parse_schema(workload["schema"])
        payloads = [bytes.fromhex(payload) for payload in workload["payloads"]]

        def decode(payload):
            return fastavro.schemaless_reader(io.BytesIO(payload), schema, None)

        results[workload["name"]] = {
            "decode": best(decode, payloads),
            "json": best(lambda payload: orjson.dumps(decode(payload)), payloads),
        }
    print(json.dumps(results))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
    else:
        run(sys.argv[2])
