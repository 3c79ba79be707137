"""People, groups, applications and service principals made, changed and taken away by the real Azure CLI."""

import uuid

import pytest

from azure_cli import CommandRefused
from lab.world import SUBSCRIPTION, TENANT

SCOPE = f"/subscriptions/{SUBSCRIPTION}"
PASSWORD = "Corr3ct-h0rse!"


@pytest.fixture
def admin(az):
    return az("admin")


def test_a_person_from_nothing_to_nothing(admin, fresh_az):
    upn = f"p{uuid.uuid4().hex[:8]}@contoso.example"
    create = ["ad", "user", "create", "--display-name", "New One", "--user-principal-name", upn]
    made = admin.run(*create, "--password", PASSWORD)
    try:
        with pytest.raises(CommandRefused, match="same value for property userPrincipalName already exists"):
            admin.run(*create, "--password", PASSWORD)
        cli = fresh_az()
        cli.run("login", "-u", upn, "-p", PASSWORD, "--allow-no-subscriptions")
        assert cli.run("ad", "signed-in-user", "show")["id"] == made["id"]
        admin.run("ad", "user", "update", "--id", upn, "--display-name", "Newer One")
        assert admin.run("ad", "user", "show", "--id", upn)["displayName"] == "Newer One"
        assert len(admin.run("ad", "user", "list", "--upn", upn, "--display-name", "Newer")) == 1
        group = admin.run("ad", "group", "create", "--display-name", "newcomers", "--mail-nickname", "newcomers")
        members = ["ad", "group", "member"]
        again = admin.run("ad", "group", "create", "--display-name", "newcomers", "--mail-nickname", "newcomers")
        assert again["id"] == group["id"]
        admin.run(*members, "add", "--group", "newcomers", "--member-id", made["id"])
        assert admin.run(*members, "check", "--group", "newcomers", "--member-id", made["id"])["value"] is True
        assert [one["id"] for one in admin.run(*members, "list", "--group", "newcomers")] == [made["id"]]
        groups = admin.run("ad", "user", "get-member-groups", "--id", upn)
        assert group["id"] in [one if isinstance(one, str) else one["id"] for one in groups]
        admin.run(*members, "remove", "--group", "newcomers", "--member-id", made["id"])
        assert admin.run(*members, "list", "--group", "newcomers") == []
        admin.run("ad", "group", "delete", "--group", "newcomers")
    finally:
        admin.run("ad", "user", "delete", "--id", upn)
    with pytest.raises(CommandRefused, match="does not exist"):
        admin.run("ad", "user", "show", "--id", upn)
    with pytest.raises(CommandRefused):
        cli.run("ad", "signed-in-user", "show")


def test_names_of_nobody_and_callers_of_nothing(az, admin):
    create = ["ad", "user", "create", "--display-name", "X", "--password", PASSWORD, "--user-principal-name"]
    for upn in ("x@elsewhere.example", "sudo@contoso.example", "a:b@contoso.example"):
        # az makes a mail nickname of what stands before the @, which is looked at first.
        with pytest.raises(CommandRefused, match="cannot be used|'mailNickname'"):
            admin.run(*create, upn)
    with pytest.raises(CommandRefused, match="Insufficient privileges"):
        az("dave").run(*create, "x@contoso.example")
    with pytest.raises(CommandRefused, match="Directory permission is needed|Insufficient privileges"):
        az("dave").run("ad", "app", "create", "--display-name", "daves")


def test_a_robot_with_a_role_in_one_command(admin, fresh_az):
    """`create-for-rbac`, signing in, a new secret, and the end of both the program and what it had."""
    name = f"robot-{uuid.uuid4().hex[:8]}"
    made = admin.run("ad", "sp", "create-for-rbac", "-n", name, "--role", "Reader", "--scopes", SCOPE)
    app = made["appId"]
    try:
        assert made["tenant"] == TENANT
        cli = fresh_az()
        login = ["login", "--service-principal", "-u", app, "--tenant", TENANT, "-p"]
        cli.run(*login, made["password"])
        assert cli.run("group", "list")
        shown = admin.run("ad", "sp", "show", "--id", app)
        roles = admin.run("role", "assignment", "list", "--assignee", app, "--scope", SCOPE)
        assert [one["principalId"] for one in roles] == [shown["id"]]
        fresh = admin.run("ad", "app", "credential", "reset", "--id", app)["password"]
        with pytest.raises(CommandRefused, match="AADSTS7000215"):
            fresh_az().run(*login, made["password"])
        other = fresh_az()
        other.run(*login, fresh)
        key = admin.run("ad", "app", "credential", "list", "--id", app)[0]["keyId"]
        own = admin.run("ad", "sp", "credential", "reset", "--id", app, "--append")["password"]
        admin.run("ad", "app", "credential", "delete", "--id", app, "--key-id", key)
        assert len(admin.run("ad", "sp", "credential", "list", "--id", app)) == 1
        fresh_az().run(*login, own)
        again = admin.run("ad", "sp", "create-for-rbac", "-n", name)
        assert again["appId"] == app
        admin.run("role", "assignment", "delete", "--assignee", app, "--scope", SCOPE)
        admin.run("ad", "sp", "delete", "--id", app)
        with pytest.raises(CommandRefused):
            other.run("group", "list")
    finally:
        admin.run("ad", "app", "delete", "--id", app)
    assert admin.run("ad", "app", "list", "--display-name", name) == []


def test_a_robot_with_a_certificate(admin, fresh_az):
    name = f"robot-{uuid.uuid4().hex[:8]}"
    made = admin.run("ad", "sp", "create-for-rbac", "-n", name, "--create-cert")
    try:
        login = ["login", "--service-principal", "-u", made["appId"], "--tenant", TENANT, "--allow-no-subscriptions"]
        fresh_az().run(*login, "--certificate", made["fileWithCertAndPrivateKey"])
    finally:
        admin.run("ad", "app", "delete", "--id", made["appId"])


def test_an_application_step_by_step(admin):
    name = f"app-{uuid.uuid4().hex[:8]}"
    made = admin.run("ad", "app", "create", "--display-name", name, "--identifier-uris", f"api://{name}")
    try:
        assert admin.run("ad", "app", "show", "--id", f"api://{name}")["id"] == made["id"]
        redirect = "https://localhost/answer"
        admin.run("ad", "app", "update", "--id", made["appId"], "--web-redirect-uris", redirect)
        assert admin.run("ad", "app", "show", "--id", made["appId"])["web"]["redirectUris"] == [redirect]
        principal = admin.run("ad", "sp", "create", "--id", made["appId"])
        assert f"api://{name}" in principal["servicePrincipalNames"]
        with pytest.raises(CommandRefused, match="already exists"):
            admin.run("ad", "sp", "create", "--id", made["appId"])
        assert admin.run("ad", "sp", "list", "--spn", f"api://{name}")[0]["id"] == principal["id"]
        owned = admin.run("ad", "signed-in-user", "list-owned-objects")
        assert made["id"] in [one["id"] for one in owned]
    finally:
        admin.run("ad", "app", "delete", "--id", made["appId"])
    with pytest.raises(CommandRefused, match="does not exist|doesn't exist"):
        admin.run("ad", "sp", "show", "--id", made["appId"])
