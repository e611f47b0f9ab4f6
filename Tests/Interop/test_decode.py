"""`sluice decode --json-lines` against fastavro: random pairs, damaged payloads, bad lines."""

import json
import os
import random

import pytest

import fastavro_peer

PAIRS = int(os.environ.get("SLUICE_DECODE_PAIRS", "10000"))
DAMAGED = 3000


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [20261122, random.SystemRandom().randrange(2**31)], ids=["fixed", "random"])
def test_random_pairs_agree_value_by_value(binary, seed):
    print(f"seed {seed}")
    passed, failed = fastavro_peer.compare(binary, seed, PAIRS if seed == 20261122 else PAIRS // 5)
    print(f"{passed} passed, {failed} failed")
    assert failed == 0


@pytest.mark.timeout(300)
def test_damaged_payloads_get_an_answer_each(binary):
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    for answer in fastavro_peer.ask(binary, list(fastavro_peer.damaged(seed, DAMAGED))):
        if "error" in answer:
            assert answer["error"]["code"] and answer["error"]["message"]
        else:
            assert set(answer) == {"schemaId", "record"}


ENDLESS = {"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}
LIST = {"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}
BAD = {
    "": "invalidLine",
    "nonsense": "invalidLine",
    "{": "invalidLine",
    "[]": "invalidLine",
    "{}": "missingSchema",
    '{"schema":"int"}': "missingPayload",
    '{"schema":"int","payloadHex":"0"}': "invalidHex",
    '{"schema":"int","payloadHex":"xx"}': "invalidHex",
    '{"schema":"int","payloadHex":7}': "invalidHex",
    '{"schema":"integer","payloadHex":"00"}': "invalidSchema",
    '{"schema":{"type":"record"},"payloadHex":"00"}': "invalidSchema",
    '{"schema":["null",["int"]],"payloadHex":"00"}': "invalidSchema",
    '{"schema":"int","payloadHex":"0000"}': "trailingBytes",
    '{"schema":"int","payloadHex":""}': "truncated",
    '{"schema":"string","payloadHex":"02ff"}': "invalidUTF8",
    '{"schema":"string","payloadHex":"01"}': "negativeLength",
    '{"schema":"bytes","payloadHex":"feffffffffffffffff01"}': "lengthBeyondEnd",
    '{"schema":"long","payloadHex":"ffffffffffffffffffff01"}': "badVarint",
    '{"schema":{"type":"array","items":"null"},"payloadHex":"feffffffffffffffff01"}': "tooManyItems",
    json.dumps({"schema": ENDLESS, "payloadHex": ""}): "tooDeep",
    json.dumps({"schema": LIST, "payloadHex": "02" * 100_000}): "tooDeep",
    json.dumps({"schema": "int"})[:-1] + ',"payloadHex":"' + "00" * 3_000_000 + '"}': "trailingBytes",
    '{"schema":' + "[" * 200_000 + "]" * 200_000 + ',"payloadHex":"00"}': "invalidSchema",
}


@pytest.mark.timeout(120)
def test_bad_lines_get_an_error_and_the_next_line_its_answer(binary):
    good = '{"schema":"int","payloadHex":"02"}'
    lines = [line for bad in BAD for line in (bad, good)]
    answers = fastavro_peer.ask(binary, lines)
    for (line, code), answer, next_answer in zip(BAD.items(), answers[::2], answers[1::2]):
        assert answer["error"]["code"] == code, line[:200]
        assert next_answer == {"schemaId": "71JOobkecxc9k4reNsHbMg", "record": 1}
