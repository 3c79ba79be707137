"""The Azure SDK for Python: groups and networks made, listed, changed, deleted, and nothing of an answer lost."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError

from azure_sdk import unread
from lab.world import SUBSCRIPTION, TENANT
from sdk_fixtures import LOCATION, assert_nothing_lost, refused

GROUP = "sdk"


# Subscriptions and groups


def test_subscriptions_tenants_and_locations(admin):
    assert [one.subscription_id for one in admin.subscriptions.subscriptions.list()] == [SUBSCRIPTION]
    assert [one.tenant_id for one in admin.subscriptions.tenants.list()] == [TENANT]
    one = admin.subscriptions.subscriptions.get(SUBSCRIPTION)
    assert_nothing_lost(admin, one)
    assert LOCATION in {place.name for place in admin.subscriptions.subscriptions.list_locations(SUBSCRIPTION)}


def test_a_group_is_made_read_changed_and_deleted(admin):
    groups = admin.resources.resource_groups
    groups.create_or_update("sdk-short", {"location": LOCATION})
    assert groups.check_existence("sdk-short") is True
    groups.update("sdk-short", {"tags": {"a": "b"}})
    read = groups.get("sdk-short")
    assert_nothing_lost(admin, read)
    assert read.tags == {"a": "b"} and read.type == "Microsoft.Resources/resourceGroups"
    groups.begin_delete("sdk-short").result(60)
    assert groups.check_existence("sdk-short") is False
    assert refused(groups.get, "sdk-short").error.code == "ResourceGroupNotFound"


def test_lists_come_in_pages_and_the_sdk_turns_them(admin):
    for number in range(3):
        admin.resources.resource_groups.create_or_update(f"sdk-page-{number}", {"location": LOCATION})
    try:
        pages = [[one.name for one in page] for page in admin.resources.resource_groups.list(top=2).by_page()]
        names = [name for page in pages for name in page]
        assert len(pages) > 1 and all(len(page) <= 2 for page in pages)
        assert {"sdk-page-0", "sdk-page-1", "sdk-page-2"} <= set(names) and len(names) == len(set(names))
    finally:
        for number in range(3):
            admin.resources.resource_groups.begin_delete(f"sdk-page-{number}").result(60)


def test_a_filter_by_tag(admin):
    found = admin.resources.resource_groups.list(filter="tagName eq 'for' and tagValue eq 'tests'")
    assert [one.name for one in found] == [GROUP]


def test_generic_resources_are_listed_by_type(admin, network):
    found = list(
        admin.resources.resources.list_by_resource_group(
            GROUP, filter="resourceType eq 'Microsoft.Network/virtualNetworks'"
        )
    )
    assert [one.name for one in found] == ["sdk-net"]
    assert unread(found[0], admin.said.last["value"][0]) == []


def test_providers_know_their_types(admin):
    provider = admin.resources.providers.get("Microsoft.Network")
    assert unread(provider, admin.said.last) == []
    assert "bastionHosts" in {one.resource_type for one in provider.resource_types}
    assert provider.registration_state == "Registered"
    assert {"Microsoft.Compute", "Microsoft.Network"} <= {p.namespace for p in admin.resources.providers.list()}


# Networks


def test_a_network_is_read_listed_changed_and_its_tags_are_patched(admin, network):
    networks = admin.network.virtual_networks
    read = networks.get(GROUP, "sdk-net")
    assert_nothing_lost(admin, read)
    assert {subnet.name for subnet in read.subnets} == {"machines", "AzureBastionSubnet"}
    assert all(subnet.id and subnet.etag for subnet in read.subnets)
    assert [one.name for one in networks.list(GROUP)] == ["sdk-net"]
    assert "sdk-net" in {one.name for one in networks.list_all()}
    assert networks.update_tags(GROUP, "sdk-net", {"tags": {"a": "b"}}).tags == {"a": "b"}
    assert {one.name for one in networks.get(GROUP, "sdk-net").subnets} == {"machines", "AzureBastionSubnet"}


def test_a_stale_etag_is_a_conflict(admin, network):
    networks = admin.network.virtual_networks
    before = networks.get(GROUP, "sdk-net")
    networks.update_tags(GROUP, "sdk-net", {"tags": {"c": "d"}})
    with pytest.raises((ResourceModifiedError, HttpResponseError)) as refusal:
        networks.begin_create_or_update(GROUP, "sdk-net", before, headers={"If-Match": before.etag}).result(60)
    assert refusal.value.status_code == 412


def test_a_subnet_of_its_own(admin, network):
    subnets = admin.network.subnets
    body = {"properties": {"addressPrefix": "10.90.7.0/24"}}
    subnets.begin_create_or_update(GROUP, "sdk-net", "extra", body).result(60)
    assert_nothing_lost(admin, subnets.get(GROUP, "sdk-net", "extra"))
    assert "extra" in {one.name for one in subnets.list(GROUP, "sdk-net")}
    subnets.begin_delete(GROUP, "sdk-net", "extra").result(60)
    with pytest.raises(ResourceNotFoundError):
        subnets.get(GROUP, "sdk-net", "extra")


def test_a_subnet_outside_its_network_is_refused_with_a_code(admin, network):
    body = {"properties": {"addressPrefix": "10.99.0.0/24"}}
    error = refused(admin.network.subnets.begin_create_or_update, GROUP, "sdk-net", "outside", body)
    assert error.error.code == "NetcfgInvalidSubnet" and "outside" in error.error.message


def test_two_networks_that_peer(admin, network):
    other = {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.91.0.0/16"]}}}
    made = admin.network.virtual_networks.begin_create_or_update(GROUP, "sdk-other", other).result(60)
    peerings = admin.network.virtual_network_peerings
    body = {"properties": {"remoteVirtualNetwork": {"id": made.id}, "allowVirtualNetworkAccess": True}}
    peerings.begin_create_or_update(GROUP, "sdk-net", "to-other", body).result(60)
    read = peerings.get(GROUP, "sdk-net", "to-other")
    assert_nothing_lost(admin, read)
    assert read.peering_state == "Initiated"
    body["properties"]["remoteVirtualNetwork"]["id"] = network.id
    peerings.begin_create_or_update(GROUP, "sdk-other", "to-net", body).result(60)
    assert peerings.get(GROUP, "sdk-net", "to-other").peering_state == "Connected"
    assert [one.name for one in peerings.list(GROUP, "sdk-net")] == ["to-other"]
    for where, name in (("sdk-net", "to-other"), ("sdk-other", "to-net")):
        peerings.begin_delete(GROUP, where, name).result(60)
    admin.network.virtual_networks.begin_delete(GROUP, "sdk-other").result(60)


def test_a_public_address(admin):
    addresses = admin.network.public_ip_addresses
    body = {
        "location": LOCATION,
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static", "idleTimeoutInMinutes": 4},
    }
    addresses.begin_create_or_update(GROUP, "sdk-ip", body).result(60)
    read = addresses.get(GROUP, "sdk-ip")
    assert_nothing_lost(admin, read)
    assert read.sku.name == "Standard" and read.public_ip_allocation_method == "Static"
    assert "sdk-ip" in {one.name for one in addresses.list(GROUP)}
    addresses.begin_delete(GROUP, "sdk-ip").result(60)
    with pytest.raises(ResourceNotFoundError):
        addresses.get(GROUP, "sdk-ip")


def test_an_interface_has_an_address_of_its_subnet(admin, interface):
    read = admin.network.network_interfaces.get(GROUP, "sdk-nic")
    assert_nothing_lost(admin, read)
    configuration = read.ip_configurations[0]
    assert configuration.private_ip_address.startswith("10.90.0.") and configuration.primary is True
    assert configuration.id.endswith("/networkInterfaces/sdk-nic/ipConfigurations/one")
    assert "sdk-nic" in {one.name for one in admin.network.network_interfaces.list(GROUP)}


def test_a_subnet_in_use_is_not_deleted(admin, interface):
    error = refused(admin.network.subnets.begin_delete, GROUP, "sdk-net", "machines")
    assert error.error.code == "InUseSubnetCannotBeDeleted" and "sdk-nic" in error.error.message


def test_security_groups_and_their_rules(admin):
    groups = admin.network.network_security_groups
    rule = {
        "name": "ssh",
        "properties": {
            "protocol": "Tcp", "access": "Allow", "direction": "Inbound", "priority": 1000,
            "sourceAddressPrefix": "*", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "22",
        },
    }  # fmt: skip
    body = {"location": LOCATION, "properties": {"securityRules": [rule]}}
    groups.begin_create_or_update(GROUP, "sdk-nsg", body).result(60)
    read = groups.get(GROUP, "sdk-nsg")
    assert_nothing_lost(admin, read)
    assert [one.name for one in read.security_rules] == ["ssh"]
    assert {one.name for one in read.default_security_rules} >= {"AllowVnetInBound", "DenyAllInBound"}
    rule["name"] = "more"
    rule["properties"].update(priority=1001, destinationPortRange="2222")
    admin.network.security_rules.begin_create_or_update(GROUP, "sdk-nsg", "more", rule).result(60)
    assert_nothing_lost(admin, admin.network.security_rules.get(GROUP, "sdk-nsg", "more"))
    admin.network.security_rules.begin_delete(GROUP, "sdk-nsg", "more").result(60)
    groups.begin_delete(GROUP, "sdk-nsg").result(60)


def test_a_bastion_host_is_made_changed_and_deleted(admin, network):
    address = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    made = admin.network.public_ip_addresses.begin_create_or_update(GROUP, "sdk-bastion-ip", address).result(60)
    bastions = admin.network.bastion_hosts
    configuration = {
        "name": "bastion_ip_config",
        "properties": {
            "subnet": {"id": f"{network.id}/subnets/AzureBastionSubnet"},
            "publicIPAddress": {"id": made.id},
        },
    }
    body = {
        "location": LOCATION,
        "sku": {"name": "Standard"},
        "properties": {"enableTunneling": True, "scaleUnits": 2, "ipConfigurations": [configuration]},
    }
    bastions.begin_create_or_update(GROUP, "sdk-bastion", body).result(120)
    read = bastions.get(GROUP, "sdk-bastion")
    assert_nothing_lost(admin, read)
    assert read.dns_name and read.enable_tunneling is True and read.sku.name == "Standard"
    read.enable_ip_connect = True
    bastions.begin_create_or_update(GROUP, "sdk-bastion", read).result(120)
    assert bastions.get(GROUP, "sdk-bastion").enable_ip_connect is True
    assert bastions.begin_update(GROUP, "sdk-bastion", {"tags": {"a": "b"}}).result(60).tags == {"a": "b"}
    assert "sdk-bastion" in {one.name for one in bastions.list_by_resource_group(GROUP)}
    assert "sdk-bastion" in {one.name for one in bastions.list()}
    bastions.begin_delete(GROUP, "sdk-bastion").result(120)
    with pytest.raises(ResourceNotFoundError):
        bastions.get(GROUP, "sdk-bastion")
    admin.network.public_ip_addresses.begin_delete(GROUP, "sdk-bastion-ip").result(60)


def test_a_bastion_host_in_another_subnet_is_refused(admin, network):
    configuration = {"name": "c", "properties": {"subnet": {"id": f"{network.id}/subnets/machines"}}}
    body = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {"ipConfigurations": [configuration]}}
    error = refused(admin.network.bastion_hosts.begin_create_or_update, GROUP, "sdk-wrong", body)
    assert error.status_code == 400 and "AzureBastionSubnet" in error.error.message


# Refusals


def test_somebody_without_the_right_is_told_which_one(dave):
    error = refused(dave.compute.virtual_machines.begin_delete, "demo", "myVM")
    assert error.status_code == 403 and error.error.code == "AuthorizationFailed"
    assert "Microsoft.Compute/virtualMachines/delete" in error.error.message


def test_a_body_that_makes_no_sense_names_its_target(admin):
    body = {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["not a network"]}}}
    error = refused(admin.network.virtual_networks.begin_create_or_update, GROUP, "sdk-bad", body)
    assert error.status_code == 400 and error.error.code and error.error.message
    assert error.error.target or "addressPrefixes" in error.error.message or "not a network" in error.error.message


def test_what_is_not_there_is_a_resource_not_found(admin):
    with pytest.raises(ResourceNotFoundError) as refusal:
        admin.compute.virtual_machines.get(GROUP, "nobody")
    assert refusal.value.error.code == "ResourceNotFound"
