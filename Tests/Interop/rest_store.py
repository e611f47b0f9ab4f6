"""The records of an org as its REST API keeps them: a few objects, what may be written to their fields, and roll-back."""

import copy
import datetime
import re

from salesforce_peer import error

VERSION = "v62.0"
BASE = f"/services/data/{VERSION}"


class Refused(Exception):
    """One call that is not done. `errors` is the body: an array, even for one."""

    def __init__(self, status, code, message, fields=None):
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.errors = error(code, message)
        if fields is not None:
            self.errors[0]["fields"] = fields

    @property
    def items(self):
        """As collections and trees tell it: `statusCode` where single calls say `errorCode`."""
        return [
            {"statusCode": one["errorCode"], "message": one["message"], "fields": one.get("fields", [])}
            for one in self.errors
        ]


class Field:
    def __init__(
        self, kind, length=0, required=False, external=False, unique=False, read_only=False, values=(), retired=(), parent=None
    ):
        self.kind = kind
        self.length = length
        self.required = required
        self.external = external
        self.unique = unique
        self.read_only = read_only
        self.values = values
        self.retired = retired
        self.parent = parent

    def check(self, name, value):
        """The value as it is stored."""
        if value is None:
            return None
        fits = {
            "string": isinstance(value, str), "email": isinstance(value, str), "picklist": isinstance(value, str),
            "reference": isinstance(value, str), "boolean": isinstance(value, bool),
            "double": isinstance(value, (int, float)) and not isinstance(value, bool),
            "date": isinstance(value, str) and is_date(value),
        }[self.kind]  # fmt: skip
        if not fits:
            shown = f"VALUE_STRING value {value}" if isinstance(value, str) else f"value {value}"
            raise Refused(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {self.kind} from {shown}")
        if self.length and len(value) > self.length:
            raise Refused(
                400, "STRING_TOO_LONG", f"{name}: data value too large: {value[:20]} (max length={self.length})", [name])
        if self.kind == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            raise Refused(400, "INVALID_EMAIL_ADDRESS", f"{name}: invalid email address: {value}", [name])
        return float(value) if self.kind == "double" else value


def is_date(text):
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text) and datetime.date.fromisoformat(text))
    except ValueError:
        return False


SYSTEM = {
    "Id": Field("string", read_only=True), "IsDeleted": Field("boolean", read_only=True),
    "LastModifiedDate": Field("datetime", read_only=True), "SystemModstamp": Field("datetime", read_only=True),
}  # fmt: skip
OBJECTS = {
    "Account": ("001", SYSTEM | {
        "Name": Field("string", 80, required=True), "Amount__c": Field("double"), "Active__c": Field("boolean"),
        "Due__c": Field("date"), "Industry": Field("picklist", values=("Energy", "Steel", "Coal"), retired=("Coal",)),
        "Number__c": Field("string", 40, unique=True, external=True), "External_Id__c": Field("string", 40, external=True),
    }),
    "Contact": ("003", SYSTEM | {
        "LastName": Field("string", 80, required=True), "Email": Field("email", 80),
        "AccountId": Field("reference", parent="Account"), "External_Id__c": Field("string", 40, external=True),
    }),
    "Order_Ready__e": ("e01", {"Order_Number__c": Field("string", 20, required=True), "Quantity__c": Field("double")}),
}  # fmt: skip
CHILDREN = {"Account": {"Contacts": ("Contact", "AccountId")}}


class Records:
    def __init__(self, now):
        self.now = now
        self.rows = {}  # id -> {"type", "values", "modified", "deleted"}
        self.made = 0
        self.locks = {}  # id -> so many writes find the row locked
        self.events = []

    # Roll-back: what was read may be put back.

    def saved(self):
        return copy.deepcopy(self.rows), list(self.events)

    def restore(self, saved):
        self.rows, self.events = saved

    # Finding

    def fields(self, name):
        if name not in OBJECTS:
            raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
        return OBJECTS[name][1]

    def row(self, name, record_id):
        self.fields(name)
        if not re.fullmatch(r"[0-9A-Za-z]{15}|[0-9A-Za-z]{18}", record_id):
            raise Refused(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + record_id)
        row = self.rows.get(whole(record_id))
        if row is None or row["type"] != name:
            raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
        if row["deleted"] is not None:
            raise Refused(404, "ENTITY_IS_DELETED", "entity is deleted")
        return row

    def having(self, name, field, value):
        """Ids of the records with this external id."""
        found = self.fields(name).get(field)
        if found is None or not found.external:
            raise Refused(
                404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}")
        return [
            record_id for record_id, row in self.rows.items()
            if row["type"] == name and row["deleted"] is None and row["values"].get(field) == value
        ]

    def read(self, record_id, names=None):
        row = self.rows[whole(record_id)]
        values = self.values(row, record_id)
        wrong = [one for one in names or [] if one not in values]
        if wrong:
            raise Refused(400, "INVALID_FIELD", f"No such column '{wrong[0]}' on entity '{row['type']}'")
        attributes = {"type": row["type"], "url": f"{BASE}/sobjects/{row['type']}/{whole(record_id)}"}
        chosen = dict.fromkeys([*names, "Id"]) if names else values
        return {"attributes": attributes, **{name: values[name] for name in chosen}}

    def values(self, row, record_id):
        system = {
            "Id": whole(record_id), "IsDeleted": row["deleted"] is not None, "LastModifiedDate": iso(row["modified"]),
            "SystemModstamp": iso(row["modified"]),
        }  # fmt: skip
        return {name: row["values"].get(name) for name in OBJECTS[row["type"]][1]} | system

    # Writing

    def create(self, name, values):
        fields = self.fields(name)
        values = self.checked(name, fields, values, "create")
        missing = [key for key, field in fields.items() if field.required and values.get(key) in (None, "")]
        if missing:
            raise Refused(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)
        self.made += 1
        record_id = f"{OBJECTS[name][0]}{self.made:012d}AAA"
        self.unique(name, fields, values, record_id)
        if name.endswith("__e"):
            self.events.append({"type": name, **values})
        else:
            self.rows[record_id] = {"type": name, "values": values, "modified": self.now(), "deleted": None}
        return record_id

    def update(self, name, record_id, values):
        row = self.row(name, record_id)
        self.locked(record_id)
        fields = self.fields(name)
        values = self.checked(name, fields, values, "update")
        missing = [key for key, value in values.items() if fields[key].required and value in (None, "")]
        if missing:
            raise Refused(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)
        self.unique(name, fields, values, whole(record_id))
        row["values"].update(values)
        row["modified"] = self.now()

    def delete(self, name, record_id):
        row = self.row(name, record_id)
        self.locked(record_id)
        row["deleted"] = row["modified"] = self.now()

    def locked(self, record_id):
        if self.locks.get(whole(record_id), 0) > 0:
            self.locks[whole(record_id)] -= 1
            raise Refused(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", [])

    def checked(self, name, fields, values, verb):
        if not isinstance(values, dict):
            raise Refused(400, "JSON_PARSER_ERROR", f"Unexpected value for an sobject of type {name}")
        if any(key.lower() == "id" for key in values):
            raise Refused(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
        for key in values:
            if key not in fields:
                raise Refused(400, "INVALID_FIELD", f"No such column '{key}' on sobject of type {name}")
        fixed = [key for key in values if fields[key].read_only]
        if fixed:
            raise Refused(
                400, "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(fixed)}. Please check the security settings of this field "
                "and verify that it is read/write for your profile or permission set.", fixed)
        stored = {key: fields[key].check(key, value) for key, value in values.items()}
        for key, value in stored.items():
            parent = fields[key].parent
            if parent and value is not None and (whole(value) not in self.rows or self.rows[whole(value)]["type"] != parent):
                raise Refused(400, "MALFORMED_ID", f"{name}: id value of incorrect type: {value}", [key])
        if (stored.get("Amount__c") or 0) < 0:
            raise Refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "The amount cannot be below zero", ["Amount__c"])
        return stored

    def unique(self, name, fields, values, record_id):
        for key in [key for key, field in fields.items() if field.unique and values.get(key) is not None]:
            for other in self.having(name, key, values[key]):
                if other != record_id:
                    raise Refused(
                        400, "DUPLICATE_VALUE",
                        f"duplicate value found: {key} duplicates value on record with id: {other[:15]}", [])


def whole(record_id):
    """The 18 characters of an id: all of this org's end in AAA."""
    return record_id if len(record_id) == 18 else record_id + "AAA"


def iso(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
