"""Random schemas and payloads by fastavro, and what `decode --json-lines` has to answer to them.

  fastavro_peer.py [--seed N] [--count N] [--binary PATH]

Prints the seed and "N passed, N failed"; exit code 1 if anything failed. The binary is SLUICE_BIN unless given.

Values are compared one by one with what fastavro reads back; schema IDs with a canonical form and MD5 written here from the
Avro specification, not with fastavro's.
"""

import argparse
import base64
import hashlib
import io
import json
import math
import os
import random
import struct
import subprocess
import sys

import fastavro

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
NAMED = ("record", "error", "enum", "fixed")
NAMESPACES = ["", "com.sforce.eventbus", "a", "a.b.c"]


class SchemaMaker:
    """One random schema; named types are declared once and referred to by name afterwards."""

    def __init__(self, source):
        self.source = source
        self.names = []  # full name, definition; only finished ones
        self.open = []  # full names of records around the current place
        self.count = 0

    def make(self, depth=0, namespace="", inside_union=False):
        kinds = list(PRIMITIVES) * 2
        if depth < 4:
            kinds += ["array", "map", "enum", "fixed", "reference"] * 2 + ["record"] * 4
            if not inside_union:
                kinds += ["union"] * 7
        kind = self.source.choice(kinds)
        if kind in PRIMITIVES:
            return kind if self.source.random() < 0.8 else {"type": kind, "doc": "x", "logicalType": "unheard-of"}
        return getattr(self, kind)(depth, namespace)

    def array(self, depth, namespace):
        return {"type": "array", "items": self.make(depth + 1, namespace)}

    def map(self, depth, namespace):
        return {"type": "map", "values": self.make(depth + 1, namespace)}

    def named(self, kind, namespace):
        """A declaration's head, its full name, and the namespace inside it."""
        self.count += 1
        name = f"{kind.capitalize()}_{self.count}"
        way = self.source.randrange(4)
        if way == 0:
            own = self.source.choice(NAMESPACES)
            return {"type": kind, "name": name, "namespace": own}, f"{own}.{name}" if own else name, own
        if way == 1:
            own = self.source.choice(NAMESPACES[1:])
            # A namespace beside a dotted name means nothing.
            return {"namespace": "ignored", "name": f"{own}.{name}", "type": kind}, f"{own}.{name}", own
        return {"name": name, "type": kind}, f"{namespace}.{name}" if namespace else name, namespace

    def enum(self, depth, namespace):
        head, full, _ = self.named("enum", namespace)
        head["symbols"] = [f"S{i}" for i in range(self.source.choice([1, 2, 10, 70, 200]))]
        self.names.append((full, "enum"))
        return head

    def fixed(self, depth, namespace):
        head, full, _ = self.named("fixed", namespace)
        head["size"] = self.source.choice([0, 1, 2, 3, 16, 33])
        head["aliases"] = ["Older"]
        self.names.append((full, "fixed"))
        return head

    def record(self, depth, namespace):
        kind = "record" if self.source.random() < 0.9 else "error"
        head, full, inner = self.named(kind, namespace)
        self.open.append(full)
        fields = []
        for index in range(self.source.choice([0, 1, 2, 3, 5, 12])):
            field = {"name": f"f{index}_{'x' * self.source.randrange(20)}", "type": self.make(depth + 1, inner)}
            if self.source.random() < 0.3:
                field["doc"] = "Data:Text \u00e9 \"quoted\""
            if self.source.random() < 0.1:
                field["order"] = "descending"
            fields.append(field)
        back = self.source.choice(self.open)
        if self.source.random() < 0.4 and ("." in back or not inner):
            # Recursion that can end.
            ways = [["null", back], {"type": "array", "items": back}, {"type": "map", "values": back},
                    ["null", "string", back]]
            field = {"name": "back", "type": self.source.choice(ways)}
            fields.insert(self.source.randrange(len(fields) + 1), field)
        head["fields"] = fields
        self.open.pop()
        self.names.append((full, "record"))
        return head

    def reference(self, depth, namespace):
        if not self.names:
            return "string"
        full, _ = self.source.choice(self.names)
        space, _, short = full.rpartition(".")
        if namespace and not space:
            return "string"  # Inside a namespace, a name without one cannot be spelled.
        return short if space == namespace and self.source.random() < 0.5 else full

    def union(self, depth, namespace):
        if self.source.random() < 0.5:
            other = self.make(depth + 1, namespace, inside_union=True)
            return ["null", other] if type_key(other) != "null" else ["null", "string"]
        branches = []
        taken = set()
        for _ in range(self.source.choice([1, 2, 3, 3, 4, 5])):
            known = len(self.names)
            branch = self.make(depth + 1, namespace, inside_union=True)
            if type_key(branch) in taken:
                del self.names[known:]  # Declared in a branch that is not taken.
                continue
            taken.add(type_key(branch))
            branches.append(branch)
        return branches


def type_key(schema):
    """What must differ between the branches of a union."""
    if isinstance(schema, dict):
        return schema["name"] if schema["type"] in NAMED else schema["type"]
    return schema


class Names:
    """All named types of a schema by full name, with the namespace in which their inside stands."""

    def __init__(self, schema):
        self.types = {}
        self.walk(schema, "")

    def walk(self, schema, namespace):
        if isinstance(schema, list):
            for branch in schema:
                self.walk(branch, namespace)
        elif isinstance(schema, dict):
            kind = schema["type"]
            if kind in NAMED:
                full, inner = full_name(schema, namespace)
                self.types[full] = (schema, inner)
                for field in schema.get("fields", []):
                    self.walk(field["type"], inner)
            elif kind in ("array", "map"):
                self.walk(schema["items" if kind == "array" else "values"], namespace)

    def find(self, name, namespace):
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        if full not in self.types:
            full = name
        return full, *self.types[full]


def full_name(schema, namespace):
    name = schema["name"]
    if "." in name:
        return name, name.rpartition(".")[0]
    space = schema.get("namespace", namespace)
    return (f"{space}.{name}" if space else name), space


# Canonical form, from the specification.


def canonical(schema, namespace, names, seen):
    if isinstance(schema, str):
        if schema in PRIMITIVES:
            return f'"{schema}"'
        return f'"{names.find(schema, namespace)[0]}"'
    if isinstance(schema, list):
        return "[" + ",".join(canonical(branch, namespace, names, seen) for branch in schema) + "]"
    kind = schema["type"]
    if kind in PRIMITIVES:
        return f'"{kind}"'
    if kind == "array":
        return '{"type":"array","items":' + canonical(schema["items"], namespace, names, seen) + "}"
    if kind == "map":
        return '{"type":"map","values":' + canonical(schema["values"], namespace, names, seen) + "}"
    full, inner = full_name(schema, namespace)
    head = '{"name":"' + full + '","type":"' + ("record" if kind == "error" else kind) + '",'
    if kind == "fixed":
        return head + f'"size":{schema["size"]}' + "}"
    if kind == "enum":
        return head + '"symbols":[' + ",".join(f'"{symbol}"' for symbol in schema["symbols"]) + "]}"
    fields = ",".join(
        '{"name":"' + field["name"] + '","type":' + canonical(field["type"], inner, names, seen) + "}"
        for field in schema["fields"])
    return head + '"fields":[' + fields + "]}"


def schema_id(schema):
    text = canonical(schema, "", Names(schema), set())
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).decode().rstrip("=")


# Values: what fastavro writes, and what the answer must hold.


class ValueMaker:
    def __init__(self, source, names):
        self.source = source
        self.names = names

    def make(self, schema, namespace="", depth=0):
        """A pair: the value for fastavro, the value expected in the answer."""
        if isinstance(schema, list):
            return self.union(schema, namespace, depth)
        if isinstance(schema, str):
            if schema not in PRIMITIVES:
                _, schema, inner = self.names.find(schema, namespace)
                return self.declared(schema, inner, depth)
            return getattr(self, schema)()
        kind = schema["type"]
        if kind in PRIMITIVES:
            return getattr(self, kind)()
        if kind in NAMED:
            return self.declared(schema, full_name(schema, namespace)[1], depth)
        count = 0 if depth > 6 else self.source.choice([0, 0, 1, 2, 5, 70] if depth < 2 else [0, 1, 2])
        if kind == "array":
            items = [self.make(schema["items"], namespace, depth + 1) for _ in range(count)]
            return [item[0] for item in items], [item[1] for item in items]
        entries = {self.string()[0]: self.make(schema["values"], namespace, depth + 1) for _ in range(count)}
        return {key: value[0] for key, value in entries.items()}, {key: value[1] for key, value in entries.items()}

    def declared(self, schema, inner, depth):
        if schema["type"] == "enum":
            symbol = self.source.choice(schema["symbols"])
            return symbol, symbol
        if schema["type"] == "fixed":
            content = self.source.randbytes(schema["size"])
            return content, base64.b64encode(content).decode()
        pairs = {field["name"]: self.make(field["type"], inner, depth + 1) for field in schema["fields"]}
        return ({name: pair[0] for name, pair in pairs.items()}, {name: pair[1] for name, pair in pairs.items()})

    def union(self, branches, namespace, depth):
        index = 0 if depth > 6 else self.source.randrange(len(branches))
        value, expected = self.make(branches[index], namespace, depth + 1)
        return Branch(index, value), expected

    def null(self):
        return None, None

    def boolean(self):
        value = self.source.random() < 0.5
        return value, value

    def int(self):
        value = self.source.choice([0, -1, 63, 64, -64, -65, 2**31 - 1, -2**31, self.source.randint(-2**31, 2**31 - 1)])
        return value, value

    def long(self):
        value = self.source.choice([0, -1, 2**53 + 1, 2**63 - 1, -2**63, self.source.randint(-2**63, 2**63 - 1),
                                    1771300995000, self.source.getrandbits(self.source.randrange(1, 63))])
        return value, value

    def float(self):
        value = struct.unpack("<f", struct.pack("<f", self.number(1e38)))[0]
        return value, json_number(value)

    def double(self):
        value = self.source.choice([self.number(1e300), struct.unpack("<d", self.source.randbytes(8))[0]])
        return value, json_number(value)

    def number(self, scale):
        return self.source.choice([0.0, -0.0, 1.0, -1.5, 0.1, 1e15, 1e16, 123456789.0, math.nan, math.inf, -math.inf,
                                   self.source.uniform(-scale, scale), self.source.uniform(-1, 1) / scale])

    def bytes(self):
        content = self.source.randbytes(self.source.choice([0, 1, 2, 3, 40, 300]))
        return content, base64.b64encode(content).decode()

    def string(self):
        alphabet = self.source.choice(["abc XYZ019", "a\"\\\n\t\r\b\f\x00\x1f\x7f/", "aé€😀\u2028\uffff", "漢字かな"])
        length = self.source.choice([0, 1, 2, 7, 8, 9, 15, 16, 17, 40, 200])
        text = "".join(self.source.choices(alphabet, k=length))
        return text, text


class Branch:
    def __init__(self, index, value):
        self.index = index
        self.value = value


def json_number(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def same(expected, actual):
    """Equality that tells 1 from True and 0.0 from -0.0, but not 1.0 from 1."""
    if isinstance(expected, dict):
        return (isinstance(actual, dict) and list(expected) == list(actual)
                and all(same(expected[key], actual[key]) for key in expected))
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return type(expected) is type(actual) and expected == actual
    if isinstance(actual, bool) or not isinstance(actual, (int, float)):
        return False
    if isinstance(expected, int):
        return isinstance(actual, int) and expected == actual
    return expected == actual and math.copysign(1, expected) == math.copysign(1, actual)


# Bytes: fastavro writes every value; unions get the branch that was drawn, which fastavro would guess from the value.


def write(output, schema, value, namespace, names, blocks):
    if isinstance(schema, list):
        fastavro.schemaless_writer(output, "long", value.index)
        return write(output, schema[value.index], value.value, namespace, names, blocks)
    if isinstance(schema, str) and schema not in PRIMITIVES:
        _, schema, inner = names.find(schema, namespace)
        return write_declared(output, schema, value, inner, names, blocks)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind in PRIMITIVES:
        return fastavro.schemaless_writer(output, kind, value)
    if kind in NAMED:
        return write_declared(output, schema, value, full_name(schema, namespace)[1], names, blocks)
    items = list(value.items()) if kind == "map" else [(None, item) for item in value]
    while items:
        count = blocks.randint(1, len(items))
        body = io.BytesIO()
        for key, item in items[:count]:
            if key is not None:
                fastavro.schemaless_writer(body, "string", key)
            write(body, schema["values" if kind == "map" else "items"], item, namespace, names, blocks)
        if blocks.random() < 0.5:
            fastavro.schemaless_writer(output, "long", -count)
            fastavro.schemaless_writer(output, "long", len(body.getvalue()))
        else:
            fastavro.schemaless_writer(output, "long", count)
        output.write(body.getvalue())
        items = items[count:]
    fastavro.schemaless_writer(output, "long", 0)


def write_declared(output, schema, value, inner, names, blocks):
    if schema["type"] == "enum":
        fastavro.schemaless_writer(output, "int", schema["symbols"].index(value))
    elif schema["type"] == "fixed":
        output.write(value)
    else:
        for field in schema["fields"]:
            write(output, field["type"], value[field["name"]], inner, names, blocks)


def as_read(value):
    """fastavro's value in the form of an answer."""
    if isinstance(value, dict):
        return {key: as_read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_read(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float):
        return json_number(value)
    return value


def pair(seed, number):
    """The request of one random pair, and the answer it must get."""
    source = random.Random(f"{seed}/{number}")
    schema = SchemaMaker(source).make()
    names = Names(schema)
    value, expected = ValueMaker(source, names).make(schema)
    output = io.BytesIO()
    write(output, schema, value, "", names, source)
    payload = output.getvalue()
    read = as_read(fastavro.schemaless_reader(io.BytesIO(payload), schema, None))
    if not same(expected, read):
        raise AssertionError(f"the peer disagrees with itself: seed {seed}, pair {number}")
    return ({"schema": schema, "payloadHex": payload.hex()}, {"schemaId": schema_id(schema), "record": expected})


def ask(binary, lines):
    """The answers to all lines, in one run of the program."""
    arguments = [binary] if os.path.basename(binary) == "decode" else [binary, "decode", "--json-lines"]
    done = subprocess.run(arguments, input=("\n".join(lines) + "\n").encode(), stdout=subprocess.PIPE, timeout=600)
    # Not splitlines: text separators inside JSON strings are no line ends.
    answers = done.stdout.decode().split("\n")[:-1]
    if len(answers) != len(lines):
        raise AssertionError(f"{len(lines)} lines got {len(answers)} answers, exit code {done.returncode}")
    return [json.loads(answer) for answer in answers]


def compare(binary, seed, count, out=sys.stdout):
    """Number of pairs that were answered rightly, and wrongly."""
    pairs = [pair(seed, number) for number in range(count)]
    lines = [json.dumps(request, ensure_ascii=index % 2 == 0) for index, (request, _) in enumerate(pairs)]
    failed = 0
    for number, ((_, expected), answer) in enumerate(zip(pairs, ask(binary, lines))):
        if same(expected, answer):
            continue
        failed += 1
        if failed <= 5:
            print(f"pair {number} of seed {seed}:\n  schema {json.dumps(pairs[number][0])[:2000]}"
                  f"\n  expected {str(expected)[:500]}\n  answer   {str(answer)[:500]}", file=out)
    return count - failed, failed


def damaged(seed, count):
    """Valid lines with their payloads cut, lengthened or with bits flipped."""
    source = random.Random(f"{seed}/damaged")
    for number in range(count):
        request, _ = pair(seed, number)
        payload = bytearray.fromhex(request["payloadHex"])
        way = source.randrange(4)
        if way == 0 and payload:
            del payload[source.randrange(len(payload)):]
        elif way == 1:
            payload += source.randbytes(source.randrange(1, 20))
        elif payload:
            for _ in range(source.randrange(1, 4)):
                payload[source.randrange(len(payload))] ^= 1 << source.randrange(8)
        yield json.dumps({"schema": request["schema"], "payloadHex": payload.hex()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--binary", default=os.environ.get("SLUICE_BIN"))
    options = parser.parse_args()
    if not options.binary:
        sys.exit("SLUICE_BIN is not set: give the path of a sluice binary")
    print(f"seed {options.seed}")
    passed, failed = compare(options.binary, options.seed, options.count)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
