"""The Azure SDK for Python: machines, roles and deployments, and nothing of an answer lost on the way."""

import uuid

import pytest

from azure_sdk import unread
from lab.world import SUBSCRIPTION, TENANT
from sdk_fixtures import LOCATION, assert_nothing_lost, refused

GROUP = "sdk-machines"
USER_LOGIN = "fb879df8-f326-4884-b1cf-06f3ad86be52"


# Machines


@pytest.fixture(scope="module")
def machine(admin, interface):
    """A machine that is described, without an image: its owner enrols it by hand."""
    body = {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
            "storageProfile": {"osDisk": {"osType": "Linux", "createOption": "Attach"}},
            "networkProfile": {"networkInterfaces": [{"id": interface.id, "properties": {"primary": True}}]},
        },
    }
    return admin.compute.virtual_machines.begin_create_or_update(GROUP, "sdk-vm", body).result(120)


def test_a_machine_is_read_with_and_without_its_instance_view(admin, machine):
    machines = admin.compute.virtual_machines
    read = machines.get(GROUP, "sdk-vm")
    assert_nothing_lost(admin, read)
    assert read.identity.principal_id and read.identity.tenant_id == TENANT and read.vm_id
    wide = machines.get(GROUP, "sdk-vm", expand="instanceView")
    assert_nothing_lost(admin, wide)
    assert any(status.code.startswith("PowerState/") for status in wide.instance_view.statuses)
    view = machines.instance_view(GROUP, "sdk-vm")
    assert unread(view, admin.said.last) == []


def test_machines_are_listed(admin, machine):
    assert "sdk-vm" in {one.name for one in admin.compute.virtual_machines.list(GROUP)}
    listed = {one.name for one in admin.compute.virtual_machines.list_all()}
    assert {"sdk-vm", "myVM"} <= listed


def test_a_machine_s_identity_and_tags_are_patched(admin, machine):
    machines = admin.compute.virtual_machines
    machines.begin_update(GROUP, "sdk-vm", {"identity": {"type": "None"}}).result(60)
    assert machines.get(GROUP, "sdk-vm").identity in (None, {"type": "None"})
    machines.begin_update(GROUP, "sdk-vm", {"identity": {"type": "SystemAssigned"}, "tags": {"a": "b"}}).result(60)
    read = machines.get(GROUP, "sdk-vm")
    assert read.identity.principal_id and read.tags == {"a": "b"}


def test_the_same_machine_sent_back_is_the_same_machine(admin, machine):
    machines = admin.compute.virtual_machines
    before = machines.get(GROUP, "sdk-vm")
    machines.begin_create_or_update(GROUP, "sdk-vm", before).result(60)
    after = machines.get(GROUP, "sdk-vm")
    assert (after.vm_id, after.identity.principal_id) == (before.vm_id, before.identity.principal_id)


def test_an_extension_without_the_agent_fails_with_its_reason(admin, machine):
    extensions = admin.compute.virtual_machine_extensions
    body = {
        "location": LOCATION,
        "properties": {
            "publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux",
            "typeHandlerVersion": "1.0", "autoUpgradeMinorVersion": True,
        },
    }  # fmt: skip
    error = refused(extensions.begin_create_or_update, GROUP, "sdk-vm", "AADSSHLoginForLinux", body)
    assert error.error.code == "VMAgentStatusCommunicationError" and "sally-agent" in error.error.message
    read = extensions.get(GROUP, "sdk-vm", "AADSSHLoginForLinux")
    assert_nothing_lost(admin, read)
    assert read.provisioning_state == "Failed"
    listed = extensions.list(GROUP, "sdk-vm")
    assert [one.name for one in listed.value] == ["AADSSHLoginForLinux"]
    extensions.begin_delete(GROUP, "sdk-vm", "AADSSHLoginForLinux").result(60)


def test_the_extension_of_a_running_machine_loses_nothing(world, admin):
    world.machine("myVM")
    read = admin.compute.virtual_machines.get("demo", "myVM", expand="instanceView")
    assert_nothing_lost(admin, read)
    assert read.instance_view.vm_agent.statuses[0].code == "ProvisioningState/succeeded"


def test_sizes_images_and_disks_are_described(admin):
    sizes = list(admin.compute.virtual_machine_sizes.list(LOCATION))
    assert sizes and all(size.number_of_cores and size.memory_in_mb for size in sizes)
    images = admin.compute.virtual_machine_images
    assert "Canonical" in {one.name for one in images.list_publishers(LOCATION)}
    versions = images.list(LOCATION, "Debian", "debian-12", "12-gen2")
    assert versions
    one = images.get(LOCATION, "Debian", "debian-12", "12-gen2", versions[0].name)
    assert unread(one, admin.said.last) == []
    assert one.os_disk_image.operating_system == "Linux"
    assert list(admin.compute.disks.list()) is not None


@pytest.fixture(scope="module")
def made_machine(admin, network):
    """A machine made from an image: it really runs."""
    subnet = {"id": f"{network.id}/subnets/machines"}
    interface = {
        "location": LOCATION,
        "properties": {"ipConfigurations": [{"name": "one", "properties": {"subnet": subnet}}]},
    }
    nic = admin.network.network_interfaces.begin_create_or_update(GROUP, "sdk-made-nic", interface).result(60)
    body = {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_B1s"},
            "storageProfile": {
                "imageReference": {
                    "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest",
                },
                "osDisk": {"createOption": "FromImage", "deleteOption": "Delete"},
            },
            "osProfile": {
                "computerName": "sdkmade", "adminUsername": "azureuser", "adminPassword": "Xa1-" + uuid.uuid4().hex,
            },
            "networkProfile": {
                "networkInterfaces": [{"id": nic.id, "properties": {"primary": True, "deleteOption": "Delete"}}]
            },
        },
    }  # fmt: skip
    machines = admin.compute.virtual_machines
    yield machines.begin_create_or_update(GROUP, "sdk-made", body).result(120)
    machines.begin_delete(GROUP, "sdk-made").result(120)


def power_of(admin):
    """The power state of the machine that was made."""
    view = admin.compute.virtual_machines.instance_view(GROUP, "sdk-made")
    return next(status.code for status in view.statuses if status.code.startswith("PowerState/"))


def test_a_made_machine_is_stopped_and_started(admin, made_machine):
    machines = admin.compute.virtual_machines
    read = machines.get(GROUP, "sdk-made", expand="instanceView")
    assert_nothing_lost(admin, read)
    assert read.os_profile.admin_password is None and "Xa1-" not in str(admin.said.last)
    assert power_of(admin) == "PowerState/running"
    machines.begin_power_off(GROUP, "sdk-made").result(60)
    assert power_of(admin) == "PowerState/stopped"
    machines.begin_deallocate(GROUP, "sdk-made").result(60)
    assert power_of(admin) == "PowerState/deallocated"
    machines.begin_start(GROUP, "sdk-made").result(60)
    machines.begin_restart(GROUP, "sdk-made").result(60)
    assert power_of(admin) == "PowerState/running"


def test_a_made_machine_has_a_disk(admin, made_machine):
    disks = [one for one in admin.compute.disks.list_by_resource_group(GROUP) if one.managed_by == made_machine.id]
    assert [one.os_type for one in disks] == ["Linux"]
    assert_nothing_lost(admin, admin.compute.disks.get(GROUP, disks[0].name))


def test_a_made_machine_takes_its_interface_and_disk_along(admin, made_machine):
    admin.compute.virtual_machines.begin_delete(GROUP, "sdk-made").result(120)
    assert "sdk-made-nic" not in {one.name for one in admin.network.network_interfaces.list(GROUP)}
    assert made_machine.id not in {one.managed_by for one in admin.compute.disks.list_by_resource_group(GROUP)}


def test_an_identity_that_machines_share(admin, machine):
    identities = admin.identities.user_assigned_identities
    made = identities.create_or_update(GROUP, "sdk-identity", {"location": LOCATION})
    assert made.client_id and made.principal_id and made.tenant_id == TENANT
    read = identities.get(GROUP, "sdk-identity")
    assert_nothing_lost(admin, read)
    both = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {made.id: {}}}
    admin.compute.virtual_machines.begin_update(GROUP, "sdk-vm", {"identity": both}).result(60)
    shown = admin.compute.virtual_machines.get(GROUP, "sdk-vm").identity.user_assigned_identities
    assert [one.client_id for one in shown.values()] == [made.client_id]
    admin.compute.virtual_machines.begin_update(GROUP, "sdk-vm", {"identity": {"type": "SystemAssigned"}}).result(60)
    identities.delete(GROUP, "sdk-identity")


# Roles


def test_built_in_roles_are_read_without_loss(admin):
    found = list(admin.authorization.role_definitions.list(f"/subscriptions/{SUBSCRIPTION}"))
    bodies = [body for _, _, body in admin.said.answers if isinstance(body, dict)]
    said = [one for body in bodies for one in body.get("value", []) if "roleName" in one.get("properties", {})]
    assert len(found) >= 5
    for model, raw in zip(found, said[-len(found) :], strict=True):
        assert model.id == raw["id"]
        # Permissions got their condition in a later version of the service than these models are of.
        assert [line for line in unread(model, raw) if ".permissions[" not in line] == []


def test_a_role_assignment_is_made_read_listed_and_deleted(admin, person, machine):
    assignments = admin.authorization.role_assignments
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{USER_LOGIN}"
    name, who = str(uuid.uuid4()), person("bob").object_id
    body = {"role_definition_id": role, "principal_id": who, "principal_type": "User"}
    made = assignments.create(machine.id, name, body)
    assert made.name == name and made.role_definition_id == role
    read = assignments.get(machine.id, name)
    assert_nothing_lost(admin, read)
    assert name in {one.name for one in assignments.list_for_scope(machine.id, filter="atScope()")}
    assert name in {one.name for one in assignments.list_for_scope(machine.id, filter=f"principalId eq '{who}'")}
    twice = refused(assignments.create, machine.id, str(uuid.uuid4()), body)
    assert twice.status_code == 409 and twice.error.code == "RoleAssignmentExists"
    assignments.delete(machine.id, name)
    assert name not in {one.name for one in assignments.list_for_scope(machine.id, filter="atScope()")}


def test_a_role_of_one_s_own(admin):
    roles, scope, name = admin.authorization.role_definitions, f"/subscriptions/{SUBSCRIPTION}", str(uuid.uuid4())
    body = {
        "role_name": "SDK Reader", "description": "Reads machines", "role_type": "CustomRole",
        "assignable_scopes": [scope],
        "permissions": [{"actions": ["Microsoft.Compute/virtualMachines/read"], "not_actions": []}],
    }  # fmt: skip
    made = roles.create_or_update(scope, name, body)
    assert made.role_type == "CustomRole"
    read = roles.get(scope, name)
    assert_nothing_lost(admin, read)
    assert [one.name for one in roles.list(scope, filter="roleName eq 'SDK Reader'")] == [name]
    roles.delete(scope, name)
    assert refused(roles.get, scope, name).status_code == 404


# Deployments


def test_a_deployment_makes_what_its_template_says(admin):
    deployments = admin.deployments.deployments
    kind = "Microsoft.Network/virtualNetworks"
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"name": {"type": "string"}},
        "resources": [
            {
                "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2022-01-01",
                "name": "[parameters('name')]", "location": LOCATION,
                "properties": {"addressSpace": {"addressPrefixes": ["10.92.0.0/16"]}},
            }
        ],
        "outputs": {"id": {"type": "string", "value": f"[resourceId('{kind}', parameters('name'))]"}},
    }  # fmt: skip
    body = {"properties": {"mode": "Incremental", "template": template, "parameters": {"name": {"value": "sdk-made"}}}}
    deployments.begin_create_or_update(GROUP, "sdk-deployment", body).result(120)
    read = deployments.get(GROUP, "sdk-deployment")
    assert_nothing_lost(admin, read)
    assert read.properties.provisioning_state == "Succeeded"
    assert read.properties.outputs["id"]["value"].endswith("/virtualNetworks/sdk-made")
    operations = list(admin.deployments.deployment_operations.list(GROUP, "sdk-deployment"))
    assert any(
        one.properties.target_resource.resource_name == "sdk-made"
        for one in operations
        if one.properties.target_resource
    )
    deployments.begin_delete(GROUP, "sdk-deployment").result(60)
    admin.network.virtual_networks.begin_delete(GROUP, "sdk-made").result(60)
