"""Roles through the real Azure CLI: every form of assignee, custom roles, denials, management groups, and why."""

import json

import pytest

from azure_cli import CommandRefused
from lab.world import CI_ROBOT, SUBSCRIPTION, TENANT

USER_LOGIN = "Virtual Machine User Login"
SCOPE = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SCOPE}/resourceGroups/other"
MANAGEMENT = "/providers/Microsoft.Management/managementGroups"


@pytest.fixture
def admin(az):
    return az("admin")


def rest(admin, method, path, body=None, version="2022-04-01"):
    """A request through `az rest`; what it answers."""
    more = ["--body", json.dumps(body)] if body is not None else []
    separator = "&" if "?" in path else "?"
    return admin.run("rest", "--method", method, "--url", f"{path}{separator}api-version={version}", *more)


def ids(admin, upn):
    """The object ids of a person, of a group and of the robot."""
    return (
        admin.run("ad", "user", "show", "--id", upn)["id"],
        admin.run("ad", "group", "list", "--query", "[0]")["id"],
        admin.run("ad", "sp", "show", "--id", CI_ROBOT)["id"],
    )


def test_every_form_of_assignee(world, admin):
    """By user name, object id, application id, and object id with a type; each is listed, and deleted again."""
    person, group, robot = ids(admin, world.upn("dave"))
    forms = [
        (["--assignee", world.upn("dave")], person, "User"),
        (["--assignee", person], person, "User"),
        (["--assignee", CI_ROBOT], robot, "ServicePrincipal"),
        (["--assignee-object-id", robot, "--assignee-principal-type", "ServicePrincipal"], robot, "ServicePrincipal"),
        (["--assignee-object-id", group, "--assignee-principal-type", "Group"], group, "Group"),
    ]
    for assignee, principal, kind in forms:
        made = admin.run("role", "assignment", "create", "--role", USER_LOGIN, "--scope", GROUP, *assignee)
        assert (made["principalId"], made["principalType"]) == (principal, kind)
        listed = admin.run("role", "assignment", "list", "--scope", GROUP, "--assignee", principal)
        assert [one["roleDefinitionName"] for one in listed] == [USER_LOGIN]
        admin.run("role", "assignment", "delete", "--ids", made["id"])
    assert admin.run("role", "assignment", "list", "--scope", GROUP, "--assignee", person) == []


def test_a_foreign_group_needs_no_entry_in_the_directory(admin):
    stranger = "5a11b0a7-0000-4c0a-8d0e-000000000404"
    create = ["role", "assignment", "create", "--role", "Reader", "--scope", GROUP, "--assignee-object-id", stranger]
    made = admin.run(*create, "--assignee-principal-type", "ForeignGroup")
    assert made["principalType"] == "ForeignGroup"
    admin.run("role", "assignment", "delete", "--ids", made["id"])


def test_lists_with_inherited_with_groups_and_all(world, admin):
    machine = world.path("myVM")
    direct = admin.run("role", "assignment", "list", "--scope", machine)
    inherited = admin.run("role", "assignment", "list", "--scope", machine, "--include-inherited")
    assert len(inherited) > len(direct)
    everything = admin.run("role", "assignment", "list", "--all")
    assert len(everything) >= len(inherited)
    person = world.upn("dave")
    own = admin.run("role", "assignment", "list", "--all", "--assignee", person)
    with_groups = admin.run("role", "assignment", "list", "--all", "--assignee", person, "--include-groups")
    assert len(with_groups) >= len(own)


def test_description_and_condition_are_updated(world, admin):
    made = admin.run(
        *["role", "assignment", "create", "--role", "Role Based Access Control Administrator"],
        *["--assignee", world.upn("dave"), "--scope", GROUP, "--description", "first"],
        *["--condition", condition("fb879df8-f326-4884-b1cf-06f3ad86be52"), "--condition-version", "2.0"],
    )
    try:
        made["description"] = "second"
        changed = admin.run("role", "assignment", "update", "--role-assignment", json.dumps(made))
        assert changed["description"] == "second" and changed["conditionVersion"] == "2.0"
        made["principalId"] = "5a11b0a7-0000-4c0a-8d0e-000000000404"
        with pytest.raises(CommandRefused, match="not allowed to be updated|RoleAssignmentUpdateNotPermitted"):
            admin.run("role", "assignment", "update", "--role-assignment", json.dumps(made))
    finally:
        admin.run("role", "assignment", "delete", "--ids", made["id"])


def condition(*roles):
    """The portal's template that lets somebody give some roles only."""
    attribute = "Microsoft.Authorization/roleAssignments:RoleDefinitionId"
    compare = f"[{attribute}] ForAnyOfAnyValues:GuidEquals {{{', '.join(roles)}}}"
    return (
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request" + compare + ")) AND "
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (@Resource" + compare + "))"
    )


def test_a_delegate_gives_only_the_roles_of_the_condition(world, az, admin):
    """Constrained delegation: dave may give User Login in one group, and nothing else."""
    delegation = admin.run(
        *["role", "assignment", "create", "--role", "Role Based Access Control Administrator"],
        *["--assignee", world.upn("dave"), "--scope", GROUP],
        *["--condition", condition("fb879df8-f326-4884-b1cf-06f3ad86be52"), "--condition-version", "2.0"],
    )
    dave = az("dave")
    bob = ids(admin, world.upn("bob"))[0]
    give = ["role", "assignment", "create", "--assignee-object-id", bob, "--assignee-principal-type", "User"]
    try:
        made = dave.run(*give, "--role", USER_LOGIN, "--scope", GROUP)
        with pytest.raises(CommandRefused, match="AuthorizationFailed.*ABAC condition"):
            dave.run(*give, "--role", "Owner", "--scope", GROUP)
        dave.run("role", "assignment", "delete", "--ids", made["id"])
    finally:
        admin.run("role", "assignment", "delete", "--ids", delegation["id"])


def test_a_custom_role_lives_and_its_scopes_are_checked(world, admin):
    role = {
        "Name": "Machine Starter",
        "Description": "Starts machines.",
        "Actions": ["Microsoft.Compute/virtualMachines/start/action", "Microsoft.Compute/virtualMachines/read"],
        "NotActions": [],
        "AssignableScopes": [GROUP],
    }
    made = admin.run("role", "definition", "create", "--role-definition", json.dumps(role))
    try:
        assert made["roleType"] == "CustomRole"
        found = admin.run("role", "definition", "list", "--custom-role-only", "--scope", GROUP)
        assert [one["roleName"] for one in found] == ["Machine Starter"]
        assert admin.run("role", "definition", "list", "--name", "Machine Starter", "--scope", GROUP)
        role["Description"] = "Starts and stops machines."
        role["Actions"].append("Microsoft.Compute/virtualMachines/powerOff/action")
        changed = admin.run("role", "definition", "update", "--role-definition", json.dumps(role))
        assert changed["description"] == role["Description"]
        give = ["role", "assignment", "create", "--assignee", world.upn("dave"), "--role", "Machine Starter"]
        assignment = admin.run(*give, "--scope", GROUP)
        with pytest.raises(CommandRefused, match="doesn't exist|RoleDefinition"):
            admin.run(*give, "--scope", f"{SCOPE}/resourceGroups/demo")
        with pytest.raises(CommandRefused, match="RoleDefinitionHasAssignments|existing role assignments"):
            admin.run("role", "definition", "delete", "--name", "Machine Starter", "--scope", GROUP)
        admin.run("role", "assignment", "delete", "--ids", assignment["id"])
    finally:
        admin.run("role", "definition", "delete", "--name", "Machine Starter", "--scope", GROUP)
    assert admin.run("role", "definition", "list", "--custom-role-only", "--scope", GROUP) == []
    role["AssignableScopes"] = [f"{SCOPE}/resourceGroups/no-such-group"]
    with pytest.raises(CommandRefused, match="ResourceNotFound|not found"):
        admin.run("role", "definition", "create", "--role-definition", json.dumps(role))


def test_a_denial_stops_an_owner_too(admin):
    """`az role deny-assignment`, which newer command lines have, in the requests that it makes."""
    person = admin.run("ad", "signed-in-user", "show")["id"]
    path = f"{GROUP}/providers/Microsoft.Authorization/denyAssignments/5a11b0a7-0000-4c0a-8d0e-00000000dead"
    body = {
        "properties": {
            "denyAssignmentName": "no tags",
            "permissions": [{"actions": ["Microsoft.Resources/subscriptions/resourceGroups/write"]}],
            "principals": [{"id": person, "type": "User"}],
            "isSystemProtected": False,
        }
    }
    assert rest(admin, "put", path, body)["properties"]["denyAssignmentName"] == "no tags"
    try:
        with pytest.raises(CommandRefused, match="AuthorizationFailed.*no tags"):
            admin.run("group", "create", "-n", "other", "-l", "local", "--tags", "a=b")
    finally:
        rest(admin, "delete", path)
    admin.run("group", "create", "-n", "other", "-l", "local")


def test_what_is_not_offered_says_so(admin):
    with pytest.raises(CommandRefused, match="ActivityLogNotSupported|activity log is not offered"):
        admin.run("role", "assignment", "list-changelogs")
    with pytest.raises(CommandRefused, match="Eligible role assignments"):
        rest(admin, "get", f"{SCOPE}/providers/Microsoft.Authorization/roleEligibilitySchedules", version="2020-10-01")


def test_management_groups_from_nothing_to_inheritance_and_back(world, az, admin):
    """A tree is made, the subscription moved into it, a login role given at its top, and everything taken back."""
    tree = ["account", "management-group"]
    quick = ["--no-register"]
    assert admin.run(*tree, "create", "--name", "corp", "--display-name", "Corporation", *quick)["name"] == "corp"
    admin.run(*tree, "create", "--name", "prod", "--parent", "corp", *quick)
    try:
        admin.run(*tree, "subscription", "add", "--name", "prod", "--subscription", SUBSCRIPTION)
        shown = admin.run(*tree, "show", "--name", "corp", "--expand", "--recurse", *quick)
        assert shown["children"][0]["children"][0]["name"] == SUBSCRIPTION
        assert {one["name"] for one in admin.run(*tree, "list", *quick)} == {"corp", "prod"}
        assert admin.run(*tree, "subscription", "show-sub-under-mg", "--name", "prod")[0]["name"] == SUBSCRIPTION
        admin.run(*tree, "update", "--name", "prod", "--display-name", "Production")
        made = admin.run(
            *["role", "assignment", "create", "--role", USER_LOGIN, "--assignee", world.upn("dave")],
            *["--scope", f"{MANAGEMENT}/corp"],
        )
        assert made["scope"] == f"{MANAGEMENT}/corp"
        inherited = admin.run("role", "assignment", "list", "--scope", world.path("myVM"), "--include-inherited")
        assert made["id"] in {one["id"] for one in inherited}
        login = sign_in_check(admin, world)
        assert login["allowed"] and f"{MANAGEMENT}/corp" in login["sentence"]
        with pytest.raises(CommandRefused, match="not empty"):
            admin.run(*tree, "delete", "--name", "prod", *quick)
    finally:
        admin.run(*tree, "subscription", "remove", "--name", "prod", "--subscription", SUBSCRIPTION)
        admin.run(*tree, "delete", "--name", "prod", *quick)
        admin.run(*tree, "delete", "--name", "corp", *quick)
    assert not sign_in_check(admin, world)["allowed"]
    with pytest.raises(CommandRefused, match="AuthorizationFailed"):
        az("dave").run(*tree, "create", "--name", "daves", *quick)


def effective(admin, machine, person):
    return rest(admin, "get", f"{machine}/providers/Sallyport.Access/effectiveAccess?principal={person}")


def sign_in_check(admin, world):
    """What the roles say about dave as a regular user of myVM, whatever the machine is doing."""
    checks = effective(admin, world.path("myVM"), world.upn("dave"))["checks"]
    return next(one for one in checks if one["action"] == "Microsoft.Compute/virtualMachines/login/action")


def test_the_reason_is_the_same_for_the_command_and_for_the_machine(world, admin):
    """What `sally why` prints is what the machine will say, with the bastion's own answer beside it."""
    why = effective(admin, world.path("myVM"), world.upn("dave"))
    assert why["signIn"]["sentence"].startswith(f"Azure role not assigned: {world.upn('dave')} has neither")
    assert why["connect"]["bastion"].startswith(SCOPE)
    assert TENANT not in json.dumps(why["checks"])


def test_permissions_are_the_caller_s_own(world, az):
    listed = rest(az("dave"), "get", f"{world.path('myVM')}/providers/Microsoft.Authorization/permissions")["value"]
    assert ["*/read"] in [one["actions"] for one in listed]
