"""What the tests share: one lab for the whole run, people who have signed in, `az` profiles, a browser."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import azure_cli  # noqa: E402
import people  # noqa: E402
from lab import world as lab_world  # noqa: E402

LOGS = HERE.parent / ".lab"
pytest_plugins = ["sdk_fixtures", "fabric_fixtures", "gateway_fixtures"]


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests make machines out of namespaces: run them as root", 2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.session.went_wrong = True


@pytest.fixture(scope="session")
def world(request):
    """The running lab. From here on this process is a client: it has no way to the machines but the bastion."""
    made = lab_world.World()
    try:
        made.start()
        made.enter()
        yield made
    except BaseException:
        request.session.went_wrong = True
        raise
    finally:
        made.stop(keep_as=LOGS if getattr(request.session, "went_wrong", False) else None)


@pytest.fixture(scope="session")
def folder():
    """A folder for keys and profiles, gone after the run."""
    place = Path(tempfile.mkdtemp(prefix="sallyport-people-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def person(world, folder):
    """person("alice"): somebody who has signed in, the same one at each call."""
    known = {}

    def get(name):
        if name not in known:
            known[name] = people.Person(world, name, folder)
        return known[name]

    return get


@pytest.fixture
def bastion(world, person):
    """The bastion host as alice reaches it, with a machine behind it."""
    world.machine("myVM")
    return person("alice").bastion()


@pytest.fixture(scope="session")
def endpoint(world):
    """The token endpoint, for requests made by hand."""
    return people.TokenEndpoint(world.url, world.server.authority, lab_world.TENANT)


@pytest.fixture(scope="session")
def fresh_az(world, folder):
    """fresh_az(): an `az` that knows the server and nobody is signed in to."""
    count = iter(range(1000))

    def make():
        return azure_cli.AzureCLI(folder / f"az-{next(count)}", world.url, world.server.authority)

    return make


@pytest.fixture(scope="session")
def az(world, fresh_az):
    """az("alice"): an `az` where somebody has signed in by user name and password, the same one at each call."""
    known = {}

    def get(name):
        if name not in known:
            cli = fresh_az()
            if name == "ci-robot":
                secret = world.secrets["SALLYPORT_SP_SECRET"]
                login = ["--service-principal", "-u", lab_world.CI_ROBOT, "-p", secret, "--tenant", lab_world.TENANT]
            else:
                login = ["-u", world.upn(name), "-p", world.password(name)]
            cli.run("login", *login)
            known[name] = cli
        return known[name]

    return get


@pytest.fixture(scope="session")
def browser(world):
    """A Chromium that trusts the server's authority."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--headless=new", "--disable-dev-shm-usage", "--no-proxy-server"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A fresh browser profile with one page. The lab's authority is not in Chromium's store, so its errors are let pass
    here; that the certificate is good is tested with other clients."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()
