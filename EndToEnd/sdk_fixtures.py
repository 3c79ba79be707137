"""What the SDK's tests share; each module names its own resource group in GROUP."""

import pytest
from azure.core.exceptions import HttpResponseError

from azure_sdk import Clients, Signed, unread

LOCATION = "local"


@pytest.fixture(scope="module")
def admin(world, person, request):
    """The clients of an owner, and a resource group that goes at the end."""
    ada = person("admin")
    clients = Clients(world, ada.endpoint.arm_scope, Signed(ada.tokens["access_token"]))
    clients.resources.resource_groups.create_or_update(
        request.module.GROUP, {"location": LOCATION, "tags": {"for": "tests"}}
    )
    yield clients
    clients.resources.resource_groups.begin_delete(request.module.GROUP).result(120)


@pytest.fixture(scope="module")
def dave(world, person):
    """The clients of a reader."""
    somebody = person("dave")
    return Clients(world, somebody.endpoint.arm_scope, Signed(somebody.tokens["access_token"]))


@pytest.fixture(scope="module")
def network(admin, request):
    """A virtual network with two subnets."""
    body = {
        "location": LOCATION,
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.90.0.0/16"]},
            "subnets": [
                {"name": "machines", "properties": {"addressPrefix": "10.90.0.0/24"}},
                {"name": "AzureBastionSubnet", "properties": {"addressPrefix": "10.90.1.0/26"}},
            ],
        },
    }
    return admin.network.virtual_networks.begin_create_or_update(request.module.GROUP, "sdk-net", body).result(60)


def assert_nothing_lost(admin, model):
    """`model` was just read: what the server said is all in it, in its spelling."""
    said = admin.said.last
    assert said["id"] == model.id
    assert unread(model, said) == []


def refused(call, *arguments, **options):
    """The error of a call that must be refused."""
    with pytest.raises(HttpResponseError) as refusal:
        result = call(*arguments, **options)
        if hasattr(result, "result"):
            result.result(60)
    return refusal.value


@pytest.fixture(scope="module")
def interface(admin, network, request):
    """A network interface in the first subnet."""
    subnet = {"id": f"{network.id}/subnets/machines"}
    body = {
        "location": LOCATION,
        "properties": {"ipConfigurations": [{"name": "one", "properties": {"subnet": subnet}}]},
    }
    return admin.network.network_interfaces.begin_create_or_update(request.module.GROUP, "sdk-nic", body).result(60)
