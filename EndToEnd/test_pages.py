"""The sign-in pages in Chromium, and what a hostile link or page can make of them."""

import base64
import hashlib
import http.server
import secrets
import threading
import urllib.parse

import pytest

from lab.world import TENANT
from pages import enter_code, press, sign_in_as
from sign_in import AZURE_CLI, CAPABILITIES, payload

pytestmark = pytest.mark.browser


class Loopback:
    """The listener that `az login` opens: it wants a POST with code and state."""

    def __init__(self):
        received = self.received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                address = urllib.parse.urlsplit(self.path)
                if address.path == "/":  # and not the browser's own wish for an icon
                    received.append((self.command, address.query, dict(urllib.parse.parse_qsl(body))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"signed in, or not")

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def loopback():
    made = Loopback()
    yield made
    made.server.shutdown()


class Request:
    """One authorization request of the Azure CLI's shape."""

    def __init__(self, endpoint, redirect, **changes):
        self.verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        self.fields = {
            "client_id": AZURE_CLI,
            "response_type": "code",
            "response_mode": "form_post",
            "redirect_uri": redirect,
            "scope": f"{endpoint.arm_scope} offline_access openid profile",
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_hex(32),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "client_info": "1",
            "claims": CAPABILITIES,
            "prompt": "select_account",
            **changes,
        }
        query = urllib.parse.urlencode({k: v for k, v in self.fields.items() if v is not None})
        self.address = f"{endpoint.url}/organizations/oauth2/v2.0/authorize?{query}"

    def redeem(self, endpoint, code, **changes):
        form = endpoint.user_form(
            "authorization_code",
            endpoint.arm_scope,
            code=code,
            redirect_uri=self.fields["redirect_uri"],
            code_verifier=self.verifier,
        )
        return endpoint.post({**form, **changes}, "organizations")


def code_for(page, world, endpoint, loopback, name="alice", **changes):
    request = Request(endpoint, loopback.url, **changes)
    page.goto(request.address)
    sign_in_as(page, world, name)
    page.wait_for_url(f"{loopback.url}/**")
    method, query, fields = loopback.received[-1]
    assert method == "POST" and query == "" and fields["state"] == request.fields["state"]
    return request, fields


def test_the_code_is_posted_and_redeemed_once(page, world, endpoint, loopback):
    request, fields = code_for(page, world, endpoint, loopback)
    answer = request.redeem(endpoint, fields["code"])
    assert answer.status_code == 200
    assert payload(answer.json()["id_token"])["nonce"] == request.fields["nonce"]
    assert request.redeem(endpoint, fields["code"]).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "x" * 60},
        {"code_verifier": ""},
        {"redirect_uri": "http://localhost:1"},
        {"client_id": "11111111-2222-3333-4444-555555555555"},
    ],
    ids=["verifier", "no verifier", "redirect", "client"],
)
def test_a_stolen_code_is_worth_nothing(page, world, endpoint, loopback, changes):
    request, fields = code_for(page, world, endpoint, loopback)
    assert request.redeem(endpoint, fields["code"], **changes).status_code in (400, 401)


def test_a_request_without_proof_key_is_refused(page, endpoint, loopback):
    page.goto(Request(endpoint, loopback.url, code_challenge=None, code_challenge_method=None).address)
    assert page.locator("input[type=password]").count() == 0 or loopback.received == []
    assert "AADSTS" in page.content() or loopback.received


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "http://127.0.0.1.evil.example:80/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http://localhost:1/#@evil.example",
        "http://localhost:1\r\nX: y",
    ],
)
def test_a_foreign_redirect_address_is_refused_on_the_page(page, endpoint, redirect):
    answer = page.goto(Request(endpoint, redirect).address)
    assert answer.status == 400
    assert page.locator("input[type=password]").count() == 0
    assert "evil.example" not in (answer.headers.get("location") or "")
    assert page.url.startswith("https://sallyport.test/")


def test_a_wrong_password_stays_on_the_page_with_a_sentence(page, world, endpoint, loopback):
    page.goto(Request(endpoint, loopback.url).address)
    sign_in_as(page, world, "alice", password="wrong one")
    page.locator("[role=alert]").wait_for()
    assert "incorrect" in page.locator("[role=alert]").inner_text().lower() or "AADSTS50126" in page.content()
    assert loopback.received == []
    sign_in_as(page, world, "alice")
    page.wait_for_url(f"{loopback.url}/**")


@pytest.mark.parametrize(
    "field", ["state", "login_hint", "nonce", "client_id", "scope", "prompt", "response_mode", "claims"]
)
def test_markup_in_a_parameter_stays_text(page, endpoint, loopback, field):
    struck = []
    page.on("dialog", lambda dialog: (struck.append(dialog.message), dialog.dismiss()))
    page.goto(
        Request(endpoint, loopback.url, **{field: '"><img src=x onerror=alert(1)><script>alert(2)</script>'}).address
    )
    page.wait_for_timeout(300)
    assert struck == [] and page.locator("img[src=x]").count() == 0


def test_the_pages_cannot_be_framed_and_run_no_foreign_script(page, endpoint, loopback):
    headers = page.goto(Request(endpoint, loopback.url).address).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy
    script = next((p for p in policy.split(";") if p.strip().startswith(("script-src", "default-src"))), "")
    assert "unsafe-inline" not in script and "*" not in script
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin", "strict-origin")
    assert "no-store" in headers["cache-control"]
    assert "max-age" in headers.get("strict-transport-security", "")


def test_cookies_are_for_this_host_over_tls_only(page, world, endpoint, loopback):
    code_for(page, world, endpoint, loopback)
    cookies = [c for c in page.context.cookies() if c["domain"].lstrip(".") == "sallyport.test"]
    assert cookies
    for cookie in cookies:
        assert cookie["name"].startswith("__Host-") and cookie["secure"] and cookie["httpOnly"], cookie
        assert cookie["sameSite"] in ("Lax", "Strict", "None")


def test_a_form_sent_from_elsewhere_signs_nobody_in(world, endpoint, loopback):
    """A sign-in form without the page's own cookie and token is a forgery."""
    request = Request(endpoint, loopback.url)
    first = endpoint.http.get(request.address, timeout=10)
    import re

    action = re.search(r'<form[^>]*action="([^"]*)"', first.text)
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', first.text))
    target = urllib.parse.urljoin(request.address, (action.group(1) if action else "").replace("&amp;", "&"))
    import requests

    stranger = requests.Session()
    stranger.verify, stranger.trust_env = str(world.server.authority), False
    form = {
        **hidden,
        "username": world.upn("alice"),
        "password": world.password("alice"),
        "action": "signin",
    }
    answer = stranger.post(
        target, data=form, headers={"Origin": "https://evil.example"}, allow_redirects=False, timeout=20
    )
    assert 'name="code"' not in answer.text


def test_sign_in_is_remembered_and_the_second_time_is_only_a_choice(page, world, endpoint, loopback):
    code_for(page, world, endpoint, loopback)
    request = Request(endpoint, loopback.url, prompt=None)
    page.goto(request.address)
    page.wait_for_url(f"{loopback.url}/**")
    assert loopback.received[-1][2]["state"] == request.fields["state"]


def test_prompt_none_without_a_session_reports_an_error_to_the_client(page, endpoint, loopback):
    page.goto(Request(endpoint, loopback.url, prompt="none").address)
    page.wait_for_url(f"{loopback.url}/**")
    assert loopback.received[-1][2]["error"] in ("login_required", "interaction_required")


# Device code


def device_request(endpoint):
    form = {
        "client_id": AZURE_CLI,
        "scope": f"{endpoint.arm_scope} offline_access openid profile",
        "claims": CAPABILITIES,
    }
    return endpoint.http.post(f"{endpoint.url}/organizations/oauth2/v2.0/devicecode", data=form, timeout=10).json()


def poll(endpoint, device):
    form = {
        "client_id": AZURE_CLI,
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": device["device_code"],
        "code": device["device_code"],
        "client_info": "1",
    }
    return endpoint.post(form, "organizations")


def test_a_device_code_waits_until_somebody_agrees(endpoint):
    device = device_request(endpoint)
    assert device["message"] and device["verification_uri"].startswith("https://sallyport.test")
    answer = poll(endpoint, device)
    assert answer.status_code == 400 and answer.json()["error"] == "authorization_pending"
    assert poll(endpoint, device).json()["error"] in ("slow_down", "authorization_pending")


def test_a_declined_device_code_is_over(page, world, endpoint):
    device = device_request(endpoint)
    page.goto(device["verification_uri"])
    enter_code(page, device["user_code"])
    sign_in_as(page, world, "alice")
    press(page, "cancel")
    page.wait_for_load_state()
    assert poll(endpoint, device).json()["error"] in ("authorization_declined", "access_denied")


def test_the_device_page_says_which_program_asks(page, world, endpoint):
    device = device_request(endpoint)
    page.goto(device["verification_uri"])
    enter_code(page, device["user_code"])
    sign_in_as(page, world, "alice")
    page.wait_for_load_state()
    assert "Azure CLI" in page.content() or "Azure Command-Line" in page.content()


def test_guessing_user_codes_is_limited(page, endpoint):
    device_request(endpoint)
    for i in range(12):
        page.goto(f"{endpoint.url}/device" if i else device_request(endpoint)["verification_uri"])
        if not page.locator("input[name=code]").count():
            break
        enter_code(page, f"AAAA{i:04d}")
        assert page.locator("input[type=password]").count() == 0


def test_the_picker_shows_nothing_of_the_tenant_to_strangers(page, endpoint, loopback):
    page.goto(Request(endpoint, loopback.url).address)
    text = page.content()
    assert "alice" not in text and TENANT not in page.locator("body").inner_text()


def test_a_temporary_password_is_replaced_on_the_page(page, world, endpoint, loopback):
    page.goto(Request(endpoint, loopback.url).address)
    sign_in_as(page, world, "tina")
    page.locator("input[name=new]").wait_for()
    for new, repeat in (("short", "short"), ("Long-enough-1", "Long-enough-2"), (world.password("tina"),) * 2):
        page.fill("input[name=password]", world.password("tina"))
        page.fill("input[name=new]", new)
        page.fill("input[name=repeat]", repeat)
        press(page, "password")
        page.locator("[role=alert]").wait_for()
    replacement = "A-new-password-" + secrets.token_urlsafe(6)
    page.fill("input[name=password]", world.password("tina"))
    page.fill("input[name=new]", replacement)
    page.fill("input[name=repeat]", replacement)
    press(page, "password")
    page.wait_for_url(f"{loopback.url}/**")
    assert "code" in loopback.received[-1][2]
    world.secrets["SALLYPORT_TINA_PASSWORD"] = replacement
    assert endpoint.password(world.upn("tina"), replacement)["access_token"]
