"""Every way to sign in, against a peer that checks what the guide asks for."""

import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest

from rest_org import SECRETS, RESTOrg

pytestmark = pytest.mark.usefixtures("binary")


@pytest.fixture
def make_org(tmp_path):
    made = []

    def make(auth="refreshToken", **options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        made.append(RESTOrg(tmp_path, auth=auth, callback_port=port, **options))
        return made[-1]

    yield make
    for org in made:
        sweep(org)
        org.stop()


def sweep(org):
    """No secret and no token is in clear in what was printed, nor in any file beside its own source."""
    stats = org.stats()
    planted = [SECRETS[name] for name in ("SF_SECRET", "SF_PASSWORD", "SF_TOKEN", "TOKEN_KEY")]
    planted += stats["refresh_tokens"] + stats["access_tokens"]
    files = [path for path in org.folder.iterdir() if path.is_file() and path.name != "key.pem"]
    texts = org.outputs + [path.read_text(errors="replace") for path in files]
    for text in texts:
        assert not any(secret in text for secret in planted)
        assert "PRIVATE KEY" not in text


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments):
        return None


def browse(url):
    """What a browser does: asks Salesforce, and follows to the loopback address."""
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(url) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read().decode()


def login(org, change=lambda location: location):
    process = org.start("login", "--no-browser")
    text = ""
    while "/authorize?" not in text or not text.endswith("\n\n"):
        line = process.stderr.readline()
        assert line, f"login ended: {text} {process.wait()}"
        text += line
    address = re.search(r"http\S+/authorize\S+", text)[0]
    status, headers, body = browse(address)
    assert status == 302, body
    page = browse(change(headers["Location"]))
    assert page[0] == 200 and "close this window" in page[2]
    out, err = process.communicate(timeout=20)
    org.outputs += [out, err]
    return process.returncode, out, err


def test_client_credentials(make_org):
    org = make_org(auth="clientCredentials")
    assert org.run("limits").code == 0
    assert org.stats()["grants"] == {"client_credentials": 1}


def test_an_assertion_is_accepted_by_an_independent_verifier(make_org):
    org = make_org(auth="jwtBearer")
    result = org.run("limits")
    assert result.code == 0, result.err
    header, claims = org.stats()["assertions"][0]
    assert header["alg"] == "RS256" and claims["sub"] == "relay@acme.com"
    assert 60 < claims["exp"] - time.time() <= 180


def test_an_assertion_with_another_key_says_what_to_check(make_org):
    org = make_org(auth="jwtBearer")
    other = org.folder / "other"
    other.mkdir()
    strange = RESTOrg(other, auth="jwtBearer")
    strange.stop()
    (org.folder / "key.pem").write_bytes((other / "key.pem").read_bytes())
    result = org.run("limits")
    assert result.code == 3 and "certificate" in result.err


def test_a_password_works_with_a_warning(make_org):
    org = make_org(auth="password")
    result = org.run("limits")
    assert result.code == 0 and "Salesforce blocks this flow" in result.err


def test_a_login_by_browser_stores_the_token_encrypted_and_logout_revokes_it(make_org):
    org = make_org()
    assert "sluice salesforce login" in org.run("limits").err
    code, out, err = login(org)
    assert code == 0, err
    token_file = org.folder / "salesforce-prod.token"
    assert token_file.stat().st_mode & 0o777 == 0o600
    stored = token_file.read_text()
    refresh_token = org.stats()["refresh_tokens"][0]
    assert refresh_token not in stored and "5Aep" not in stored
    assert org.run("limits").code == 0
    assert "the token is revoked" in org.run("logout").out
    assert not token_file.exists() and org.stats()["refresh_tokens"] == []
    assert "sluice salesforce login" in org.run("limits").err


def test_an_answer_to_another_login_is_refused(make_org):
    org = make_org()
    code, _, err = login(org, change=lambda location: location.replace("state=", "state=x"))
    assert code == 2 and "another request" in err
    assert org.stats()["grants"] == {}


def test_a_refusal_at_the_browser_is_plain(make_org):
    code, _, err = login(make_org(deny=True))
    assert code == 3 and "access_denied" in err and "may not use the app" in err


def test_a_device_code(make_org):
    org = make_org()
    result = org.run("login", "--device", "--json")
    assert result.json["org"] == "00D000000000001EAA" and "WXYZ-1234" in result.err
    assert org.run("limits").code == 0


def test_rotation_replaces_the_token_each_time(make_org):
    org = make_org(rotate=True)
    assert login(org)[0] == 0
    seen = [org.stats()["refresh_tokens"]]
    for _ in range(5):
        assert org.run("limits").code == 0
        seen.append(org.stats()["refresh_tokens"])
    assert len({tokens[0] for tokens in seen}) == 6 and all(len(tokens) == 1 for tokens in seen)


def test_commands_beside_each_other_never_show_a_token_twice(make_org):
    org = make_org(rotate=True)
    assert login(org)[0] == 0
    processes = [org.start("limits") for _ in range(6)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err


@pytest.mark.parametrize("grace", [True, False])
def test_rotation_survives_a_kill_between_answer_and_store(make_org, grace):
    org = make_org(rotate=True, grace=grace)
    assert login(org)[0] == 0
    org.peer.call("set", swallow=1)
    process = org.start("limits")
    deadline = time.monotonic() + 20
    while org.stats()["grants"].get("refresh_token", 0) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    result = org.run("limits")
    if grace:
        assert result.code == 0, result.err
        assert org.run("limits").code == 0
    else:
        assert result.code == 3
        assert "was cut off before its answer was stored" in result.err and "salesforce login" in result.err
        assert login(org)[0] == 0
        assert org.run("limits").code == 0


def test_a_token_file_under_another_key_is_refused_before_anything_is_sent(make_org):
    org = make_org()
    assert login(org)[0] == 0
    before = org.stats()["grants"]
    SECRETS["TOKEN_KEY"], kept = "00" * 32, SECRETS["TOKEN_KEY"]
    try:
        result = org.run("limits")
    finally:
        SECRETS["TOKEN_KEY"] = kept
    assert result.code == 2 and "cannot be opened" in result.err
    assert org.stats()["grants"] == before


@pytest.mark.parametrize(
    ("error", "description", "hint"),
    [
        ("invalid_client_id", "client identifier invalid", "10 minutes"),
        ("invalid_client", "invalid client credentials", "Consumer Secret"),
        ("invalid_grant", "no client credentials user enabled", "Run As user"),
        ("invalid_grant", "request not supported on this domain", "My Domain"),
        ("invalid_grant", "authentication failure", "Login History"),
        ("invalid_grant", "user hasn't approved this consumer", "pre-authorized"),
        ("invalid_grant", "audience is invalid", "audience"),
        ("invalid_grant", "invalid assertion", "certificate"),
        ("invalid_grant", "expired access/refresh token", "salesforce login"),
        ("invalid_grant", "inactive user", "deactivated"),
        ("invalid_grant", "user is not admin approved to access this app", "permission set"),
        ("invalid_grant", "ip restricted", "IP restrictions"),
        ("invalid_request", "missing required parameter", "parameter"),
        ("unsupported_grant_type", "grant type not supported", "Enable"),
        ("invalid_app_access", "", "permission set"),
        ("inactive_org", "", "expired"),
        ("invalid_scope", "", "api"),
    ],
)  # fmt: skip
def test_every_refusal_says_what_mends_it_and_is_made_once(make_org, error, description, hint):
    org = make_org(auth="clientCredentials", fail={"error": error, "description": description})
    result = org.run("limits")
    assert result.code == 3 and error in result.err and hint in result.err
    assert org.stats()["grants"] == {"client_credentials": 1}, "what was refused is not repeated"
