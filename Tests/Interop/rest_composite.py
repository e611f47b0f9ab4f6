"""The composite resources: several calls in one, each with rules of its own about references, roll-back and limits."""

import re
import urllib.parse

from rest_store import BASE, CHILDREN, VERSION, Refused, whole
from salesforce_peer import error

ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_.\[\]]+)\}")
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


class Composite:
    """`call(method, path, query, headers, body)` is the API itself: it returns (status, body, headers)."""

    def __init__(self, records, call):
        self.records = records
        self.call = call

    def answer(self, method, segments, query, body):
        before = self.records.saved()
        try:
            return self.route(method, segments, query, body)
        except Exception:
            self.records.restore(before)
            raise

    def route(self, method, segments, query, body):
        match method, segments:
            case "POST", []:
                return self.composite(body)
            case "POST", ["batch"]:
                return self.batch(body)
            case "POST", ["graph"]:
                return self.graph(body)
            case "POST", ["tree", name]:
                return self.tree(name, body)
            case _, ["sobjects", *rest]:
                return Collections(self.records).answer(method, rest, query, body)
        return 404, error("NOT_FOUND", "The requested resource does not exist"), ()

    # composite: references, and roll-back when asked for

    def composite(self, body):
        wanted(body, {"compositeRequest"}, {"allOrNone", "collateSubrequests"})
        asked = body["compositeRequest"]
        if len(asked) > 25:
            # As the real one answers: 200, and one answer that belongs to none of the requests.
            told = error("LIMIT_EXCEEDED", "The request can’t contain more than 25 operations.")
            return 200, {"compositeResponse": [sub_answer(None, 400, told)]}, ()
        self.check(asked)
        heavy = sum(bool(re.match(rf"{BASE}/(query|queryAll|composite/sobjects)\b", one["url"])) for one in asked)
        if heavy > 5:
            raise Refused(400, "LIMIT_EXCEEDED", f"The request contains {heavy} query and collections subrequests: limit 5")
        return 200, {"compositeResponse": self.run(asked, body.get("allOrNone", False))}, ()

    def check(self, asked):
        if not isinstance(asked, list) or not asked:
            raise Refused(400, "JSON_PARSER_ERROR", "No operations")
        for one in asked:
            wanted(one, {"method", "url", "referenceId"}, {"body", "httpHeaders"})
            if one["method"] not in METHODS or not one["url"].startswith("/services/data/v"):
                raise Refused(400, "INVALID_INPUT", f"Invalid method or url: {one['method']} {one['url']}")
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_]*", one["referenceId"]):
                raise Refused(400, "INVALID_INPUT", f"Provided referenceId ('{one['referenceId']}') must start with a letter "
                              "or a number, and it can contain only letters, numbers and underscores ('_').")  # fmt: skip
            if ("body" in one) != (one["method"] in ("POST", "PATCH", "PUT")):
                raise Refused(400, "INVALID_INPUT", f"{one['method']} with or without a body")
        names = [one["referenceId"] for one in asked]
        again = next((name for name in names if names.count(name) > 1), None)
        if again is not None:
            raise Refused(400, "INVALID_INPUT", f"The request contains duplicate referenceId values: {again}")

    def run(self, asked, all_or_none):
        before, made, done = self.records.saved(), {}, []
        for one in asked:
            try:
                url, body = self.resolved(one["url"], made), self.resolved(one.get("body"), made)
            except Refused as refused:
                done.append(sub_answer(one["referenceId"], 400, refused.errors))
                continue
            status, answer, headers = self.sub(one["method"], url, one.get("httpHeaders", {}), body)
            if status < 300:
                made[one["referenceId"]] = answer
            done.append(sub_answer(one["referenceId"], status, answer, headers))
        if all_or_none and not all(map(is_good, done)):
            self.records.restore(before)
            halted = error("PROCESSING_HALTED", ROLLED_BACK)
            done = [sub_answer(one["referenceId"], 400, halted) if is_good(one) else one for one in done]
        return done

    def resolved(self, value, made):
        if isinstance(value, dict):
            return {key: self.resolved(one, made) for key, one in value.items()}
        if isinstance(value, list):
            return [self.resolved(one, made) for one in value]
        if not isinstance(value, str):
            return value
        return REFERENCE.sub(lambda match: self.referenced(match[1], match[2], made), value)

    @staticmethod
    def referenced(name, path, made):
        found = made.get(name)
        for step in re.findall(r"[A-Za-z0-9_]+", path):
            try:
                found = found[int(step)] if isinstance(found, list) else found[step]
            except (KeyError, IndexError, TypeError, ValueError):
                raise Refused(
                    400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {name}.{path} found in {name}"
                ) from None
        return str(found)

    def sub(self, method, url, headers, body):
        path, _, text = url.partition("?")
        if not path.startswith(BASE):
            return 404, error("NOT_FOUND", "The requested resource does not exist"), ()
        query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        headers = {name.lower(): value for name, value in headers.items()}
        return self.call(method, path[len(BASE) :], query, headers, body)

    # batch: independent calls

    def batch(self, body):
        wanted(body, {"batchRequests"}, {"haltOnError"})
        asked = body["batchRequests"]
        if len(asked) > 25:
            raise Refused(400, "LIMIT_EXCEEDED", "The request can’t contain more than 25 operations.")
        if not asked:
            raise Refused(400, "JSON_PARSER_ERROR", "No operations")
        results = []
        for one in asked:
            wanted(one, {"method", "url"}, {"richInput", "binaryPartName", "binaryPartNameAlias"})
            if not one["url"].startswith(VERSION + "/"):
                raise Refused(400, "INVALID_INPUT", f"Subrequests begin with the version, not as {one['url']}")
            failed = any(result["statusCode"] >= 400 for result in results)
            if failed and body.get("haltOnError"):
                told = error("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
                results.append({"statusCode": 412, "result": told})
                continue
            status, answer, _ = self.sub(one["method"], "/services/data/" + one["url"], {}, one.get("richInput"))
            results.append({"statusCode": status, "result": answer})
        return 200, {"hasErrors": any(one["statusCode"] >= 400 for one in results), "results": results}, ()

    # graph: each all or nothing

    def graph(self, body):
        wanted(body, {"graphs"}, set())
        graphs = body["graphs"]
        nodes = sum(len(graph["compositeRequest"]) for graph in graphs)
        if len(graphs) > 75 or nodes > 500:
            raise Refused(400, "LIMIT_EXCEEDED", f"{len(graphs)} graphs of {nodes} nodes: at most 75 and 500")
        names = [graph["graphId"] for graph in graphs]
        if len(set(names)) != len(names) or not names:
            raise Refused(400, "INVALID_INPUT", "graphId must be unique")
        answers = []
        for graph in graphs:
            wanted(graph, {"graphId", "compositeRequest"}, set())
            self.check(graph["compositeRequest"])
            done = self.run(graph["compositeRequest"], all_or_none=True)
            good = all(map(is_good, done))
            answers.append(
                {"graphId": graph["graphId"], "graphResponse": {"compositeResponse": done}, "isSuccessful": good})
        return 200, {"graphs": answers}, ()

    # tree: parents with their children, all or nothing

    def tree(self, name, body):
        self.records.fields(name)
        wanted(body, {"records"}, set())
        if not body["records"]:
            raise Refused(400, "INVALID_INPUT", "At least one record is required")
        before, made, errors = self.records.saved(), [], []
        self.plant(name, body["records"], None, made, errors, 1)
        references = [reference for reference, _ in made] + [one["referenceId"] for one in errors]
        if len(references) > 200:
            self.records.restore(before)
            raise Refused(400, "INVALID_INPUT", f"{len(references)} records: the limit is 200")
        again = next((one for one in references if references.count(one) > 1), None)
        if again is not None:
            told = {"statusCode": "INVALID_INPUT", "message": f"Duplicate ReferenceId provided in the request: {again}",
                    "fields": []}  # fmt: skip
            errors = [{"referenceId": again, "errors": [told]}] * references.count(again)
        if errors:
            self.records.restore(before)
            return 400, {"hasErrors": True, "results": errors}, ()
        return 201, {"hasErrors": False, "results": [{"referenceId": one, "id": key} for one, key in made]}, ()

    def plant(self, name, records, parent, made, errors, depth):
        if depth > 5:
            raise Refused(400, "INVALID_INPUT", "a tree is at most five deep")
        for record in records:
            attributes = record.get("attributes", {})
            reference = attributes.get("referenceId")
            if attributes.get("type") != name or not reference:
                raise Refused(400, "INVALID_INPUT", f"Include a referenceId and the type {name} in attributes")
            below = {key: value for key, value in record.items() if key in CHILDREN.get(name, {})}
            values = {key: value for key, value in record.items() if key not in below and key != "attributes"} | (parent or {})
            try:
                record_id = self.records.create(name, values)
            except Refused as refused:
                errors.append({"referenceId": reference, "errors": refused.items})
                continue
            made.append((reference, record_id))
            for key, value in below.items():
                wanted(value, {"records"}, set())
                child, field = CHILDREN[name][key]
                self.plant(child, value["records"], {field: record_id}, made, errors, depth + 1)


class Collections:
    """Up to 200 records in a call, each with a result of its own."""

    def __init__(self, records):
        self.records = records

    def answer(self, method, rest, query, body):
        match method, rest:
            case ("GET", [name]) | ("POST", [name]):
                return self.retrieve(name, query, body, method)
            case ("POST", []) | ("PATCH", []):
                return self.save(body, self.created if method == "POST" else self.updated)
            case "PATCH", [name, field]:
                return self.save(body, lambda record: self.upserted(record, name, field))
            case "DELETE", []:
                ids = query["ids"].split(",")
                return self.each(ids, self.deleted, query.get("allOrNone", "false") == "true")
        return 405, error("METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed"), ()

    def retrieve(self, name, query, body, method):
        if method == "GET":
            asked = {key: query[key].split(",") for key in ("ids", "fields")}
        else:
            asked = wanted(body, {"ids", "fields"}, set())
        if len(asked["ids"]) > 2000:
            raise Refused(400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 2000 records into this call")
        found = []
        for record_id in asked["ids"]:
            try:
                self.records.row(name, record_id)
                found.append(self.records.read(record_id, asked["fields"]))
            except Refused as refused:
                if refused.status != 404:
                    raise
                found.append(None)
        return 200, found, ()

    def save(self, body, write):
        wanted(body, {"records"}, {"allOrNone"})
        return self.each(body["records"], write, body.get("allOrNone", False))

    def each(self, items, write, all_or_none):
        if len(items) > 200:
            raise Refused(400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
        if not items:
            raise Refused(400, "INVALID_INPUT", "At least one record is required")
        before, results = self.records.saved(), []
        for item in items:
            try:
                results.append({**write(item), "success": True, "errors": []})
            except Refused as refused:
                results.append({"success": False, "errors": refused.items})
        if all_or_none and not all(result["success"] for result in results):
            self.records.restore(before)
            told = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "fields": [], "message": "Record rolled back because "
                    "not all records were valid and the request was using AllOrNone header"}  # fmt: skip
            results = [{"success": False, "errors": [told]} if result["success"] else result for result in results]
        return 200, results, ()

    @staticmethod
    def parts(record):
        attributes = record.get("attributes", {})
        if not attributes.get("type"):
            raise Refused(400, "INVALID_INPUT", "each record names its type in attributes")
        return attributes["type"], {key: value for key, value in record.items() if key != "attributes"}

    def created(self, record):
        name, values = self.parts(record)
        return {"id": self.records.create(name, values)}

    def updated(self, record):
        name, values = self.parts(record)
        record_id = values.pop("id", None) or values.pop("Id", None)
        if not record_id:
            raise Refused(400, "MISSING_ARGUMENT", "Id not specified in an update call")
        self.records.update(name, record_id, values)
        return {"id": whole(record_id)}

    def upserted(self, record, name, field):
        kind, values = self.parts(record)
        if kind != name:
            raise Refused(400, "INVALID_INPUT", f"{kind} in a call about {name}")
        value = values.get(field)
        if value is None:
            raise Refused(400, "MISSING_ARGUMENT", f"{field} not specified")
        found = self.records.having(name, field, value)
        if len(found) > 1:
            raise Refused(400, "DUPLICATE_EXTERNAL_ID", f"{field}: more than one record found for external id field: {found}")
        if not found:
            return {"id": self.records.create(name, values), "created": True}
        self.records.update(name, found[0], {key: one for key, one in values.items() if key != field})
        return {"id": found[0], "created": False}

    def deleted(self, record_id):
        row = self.records.rows.get(whole(record_id))
        if row is None:
            raise Refused(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        self.records.delete(row["type"], record_id)
        return {"id": whole(record_id)}


def wanted(value, needed, more):
    """A JSON object with these keys and no others."""
    if not isinstance(value, dict) or not needed <= value.keys() or not value.keys() <= needed | more:
        shown = ", ".join(value) if isinstance(value, dict) else type(value).__name__
        raise Refused(400, "JSON_PARSER_ERROR", f"wanted {', '.join(sorted(needed))}, not {shown}")
    return value


def is_good(answer):
    return answer["httpStatusCode"] < 300 or answer["httpStatusCode"] == 304


def sub_answer(reference, status, body, headers=()):
    return {"body": body, "httpHeaders": dict(headers), "httpStatusCode": status, "referenceId": reference}
