"""Templates deployed by the real Azure CLI."""

import json

import pytest

from azure_cli import CommandRefused

TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "prefix": {"type": "string", "minLength": 2, "metadata": {"description": "Begins every name"}},
        "count": {"type": "int", "defaultValue": 2, "maxValue": 4},
        "secret": {"type": "securestring", "defaultValue": "canary-not-to-be-seen"},
    },
    "variables": {"names": "[concat(parameters('prefix'), '-net')]"},
    "resources": [
        {
            "type": "Microsoft.Network/virtualNetworks",
            "apiVersion": "2024-01-01",
            "name": "[concat(variables('names'), copyIndex())]",
            "location": "[resourceGroup().location]",
            "copy": {"name": "nets", "count": "[parameters('count')]"},
            "tags": {"made": "by a template"},
            "properties": {
                "addressSpace": {"addressPrefixes": ["[format('10.{0}.0.0/16', add(copyIndex(), 60))]"]},
                "subnets": [
                    {"name": "one", "properties": {"addressPrefix": "[format('10.{0}.1.0/24', add(copyIndex(), 60))]"}}
                ],
            },
        },
        {
            "type": "Microsoft.Resources/deployments",
            "apiVersion": "2024-11-01",
            "name": "[concat(parameters('prefix'), '-inner')]",
            "dependsOn": ["nets"],
            "properties": {
                "mode": "Incremental",
                "expressionEvaluationOptions": {"scope": "inner"},
                "parameters": {"name": {"value": "[variables('names')]"}},
                "template": {
                    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                    "contentVersion": "1.0.0.0",
                    "parameters": {"name": {"type": "string"}},
                    "resources": [],
                    "outputs": {
                        "first": {
                            "type": "string",
                            "value": "[resourceId('Microsoft.Network/virtualNetworks', "
                            "concat(parameters('name'), '0'))]",
                        }
                    },
                },
            },
        },
    ],
    "outputs": {
        "prefixes": {
            "type": "array",
            "value": "[reference(concat(variables('names'), '0')).addressSpace.addressPrefixes]",
        },
        "inner": {
            "type": "string",
            "value": "[reference(concat(parameters('prefix'), '-inner')).outputs.first.value]",
        },
    },
}


@pytest.fixture(scope="module")
def group(az):
    az("admin").run("group", "create", "-n", "templates", "-l", "local")
    yield "templates"
    az("admin").run("group", "delete", "-n", "templates", "--yes")


@pytest.fixture
def template(tmp_path):
    def write(document=TEMPLATE, comment=""):
        file = tmp_path / "template.json"
        file.write_text(comment + json.dumps(document))
        return str(file)

    return write


def deploy(cli, verb, group, name, file, *parameters):
    """`az deployment group create`, or another verb that takes a template; parameters as `name=value`."""
    line = ["deployment", "group", verb, "-g", group, "-n", name, "--template-file", file]
    return cli.run(*line, "--parameters", *parameters)


def test_a_template_with_loops_and_a_nested_one_is_made(az, group, template):
    done = deploy(az("admin"), "create", group, "first", template(), "prefix=aa")
    properties = done["properties"]
    assert properties["provisioningState"] == "Succeeded" and properties["mode"] == "Incremental"
    assert properties["outputs"]["prefixes"]["value"] == ["10.60.0.0/16"]
    assert properties["outputs"]["inner"]["value"].endswith("/virtualNetworks/aa-net0")
    assert {one["id"].split("/")[-1] for one in properties["outputResources"]} >= {"aa-net0", "aa-net1"}
    assert {one["name"] for one in az("admin").run("network", "vnet", "list", "-g", group)} >= {"aa-net0", "aa-net1"}
    operations = az("admin").run("deployment", "operation", "group", "list", "-g", group, "-n", "first")
    assert {one["properties"]["provisioningState"] for one in operations} == {"Succeeded"} and len(operations) == 3
    assert "first" in {one["name"] for one in az("admin").run("deployment", "group", "list", "-g", group)}
    shown = az("admin").run("deployment", "group", "show", "-g", group, "-n", "first")
    assert shown["properties"]["parameters"]["count"]["value"] == 2
    assert "canary-not-to-be-seen" not in json.dumps(shown)
    exported = az("admin").run("deployment", "group", "export", "-g", group, "-n", "first")
    assert exported["contentVersion"] == "1.0.0.0" and "canary-not-to-be-seen" not in json.dumps(exported)


def test_comments_in_a_template_are_no_obstacle(az, group, template):
    done = deploy(
        az("admin"),
        "validate",
        group,
        "commented",
        template(comment="// made by hand\n/* for a test */\n"),
        "prefix=cc",
    )
    assert done["properties"]["provisioningState"] == "Succeeded"


def test_what_if_tells_and_makes_nothing(az, group, template):
    told = az("admin").run(
        "deployment",
        "group",
        "what-if",
        "-g",
        group,
        "--template-file",
        template(),
        "--parameters",
        "prefix=ww",
        "--no-pretty-print",
    )
    kinds = {one["resourceId"].split("/")[-1]: one["changeType"] for one in told["changes"]}
    assert kinds["ww-net0"] == "Create" and kinds["ww-net1"] == "Create"
    assert "ww-net0" not in {one["name"] for one in az("admin").run("network", "vnet", "list", "-g", group)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t["resources"][0].update(name="[nothing()]"), "InvalidTemplate"),
        (lambda t: t["resources"][1].update(dependsOn=["missing"]), "not defined in the template"),
        (lambda t: t["resources"][0].update(type="Contoso.Things/things"), "InvalidTemplateDeployment"),
        (lambda t: t["parameters"]["prefix"].update(maxLength=1, minLength=0), "maxLength"),
    ],
)
def test_a_wrong_template_is_refused_with_the_reason_and_nothing_is_made(az, group, template, change, said):
    document = json.loads(json.dumps(TEMPLATE))
    change(document)
    with pytest.raises(CommandRefused, match=said):
        deploy(az("admin"), "create", group, "wrong", template(document), "prefix=bad")
    assert not [one for one in az("admin").run("network", "vnet", "list", "-g", group) if one["name"].startswith("bad")]


def test_a_reader_cannot_deploy(az, template):
    with pytest.raises(CommandRefused, match="AuthorizationFailed"):
        az("dave").run(
            "deployment", "group", "create", "-g", "demo", "--template-file", template(), "--parameters", "prefix=dd"
        )


def test_a_deployment_to_the_subscription_makes_a_group(az, template):
    document = {
        "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.Resources/resourceGroups",
                "apiVersion": "2024-11-01",
                "name": "from-template",
                "location": "[deployment().location]",
                "properties": {},
            }
        ],
    }
    done = az("admin").run(
        "deployment", "sub", "create", "-l", "local", "-n", "groups", "--template-file", template(document)
    )
    assert done["properties"]["provisioningState"] == "Succeeded"
    assert az("admin").run("group", "exists", "-n", "from-template") is True
    az("admin").run("group", "delete", "-n", "from-template", "--yes")


def test_deployments_are_deleted_without_what_they_made(az, group, template):
    deploy(az("admin"), "create", group, "gone", template(), "prefix=gg")
    az("admin").run("deployment", "group", "delete", "-g", group, "-n", "gone")
    with pytest.raises(CommandRefused, match="DeploymentNotFound"):
        az("admin").run("deployment", "group", "show", "-g", group, "-n", "gone")
    assert "gg-net0" in {one["name"] for one in az("admin").run("network", "vnet", "list", "-g", group)}
