"""The real Azure SDK for Python against our server, and whether its models lose anything of our answers."""

import datetime
import enum
import json

from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient

from lab.world import SUBSCRIPTION


class Signed:
    """A credential made of a token that somebody already has."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **options):
        return AccessToken(self.token, 4102444800)


class Recorder(SansIOHTTPPolicy):
    """Keeps what the server said, as it said it."""

    def __init__(self):
        self.answers = []

    def on_response(self, request, response):
        http = response.http_response
        try:
            if hasattr(http, "read"):
                http.read()
            body = json.loads(http.text())
        except ValueError:
            body = None
        self.answers.append((http.request.method, http.status_code, body))

    @property
    def last(self):
        """The last answer's body."""
        return self.answers[-1][2]


class Clients:
    """The SDK's clients as somebody. `said` keeps every answer."""

    def __init__(self, world, arm_scope, credential):
        self.said = Recorder()
        options = {
            "base_url": world.url,
            "credential_scopes": [arm_scope],
            "connection_verify": str(world.server.authority),
            "per_retry_policies": [self.said],
            "retry_total": 0,
            "polling_interval": 1,
            "use_env_settings": False,
        }
        one = (credential, SUBSCRIPTION)
        self.compute = ComputeManagementClient(*one, **options)
        self.network = NetworkManagementClient(*one, **options)
        self.authorization = AuthorizationManagementClient(*one, **options)
        self.resources = ResourceManagementClient(*one, **options)
        self.deployments = DeploymentsMgmtClient(*one, **options)
        self.subscriptions = SubscriptionClient(credential, **options)
        self.identities = ManagedServiceIdentityClient(*one, **options)


def unread(model, said, place=""):
    """What of an answer a model has no name for, or reads as another type than was meant. Empty when all is there."""
    if said is None:
        return []
    if isinstance(said, dict):
        if hasattr(model, "_attr_to_rest_field"):
            return _unread_members(model, said, place)
        if hasattr(model, "_attribute_map"):
            return _unread_flattened(model, said, place)
        if isinstance(model, dict):
            return [line for key, value in said.items() for line in unread(model.get(key), value, f"{place}.{key}")]
        return [f"{place}: an object read as {type(model).__name__}"]
    if isinstance(said, list):
        if model is None or isinstance(model, str) or not hasattr(model, "__iter__"):
            return [f"{place}: a list read as {type(model).__name__}"]
        pairs = zip(list(model), said, strict=True)
        return [line for index, (one, value) in enumerate(pairs) for line in unread(one, value, f"{place}[{index}]")]
    return [] if _is_same(model, said) else [f"{place}: {said!r} read as {model!r}"]


def _unread_members(model, said, place):
    fields = {field._rest_name: name for name, field in model._attr_to_rest_field.items()}
    lines = []
    for key, value in said.items():
        if key in fields:
            lines += unread(getattr(model, fields[key]), value, f"{place}.{key}")
        else:
            near = [known for known in fields if known.lower() == key.lower()]
            lines.append(f"{place}.{key}: unknown" + (f", it is spelled {near[0]}" if near else ""))
    return lines


def _unread_flattened(model, said, place):
    """Older models: 'properties.roleName' is an attribute of the outer object."""
    fields = {entry["key"].replace("\\.", "%"): name for name, entry in model._attribute_map.items()}
    lines = []

    def walk(members, prefix):
        for key, value in members.items():
            path = prefix + key.replace(".", "%")
            if path in fields:
                lines.extend(unread(getattr(model, fields[path]), value, f"{place}.{path}"))
            elif isinstance(value, dict) and any(field.startswith(path + ".") for field in fields):
                walk(value, path + ".")
            elif value is not None:
                lines.append(f"{place}.{path}: unknown")

    walk(said, "")
    return lines


def _is_same(model, said):
    if isinstance(model, enum.Enum):
        model = model.value
    if isinstance(model, datetime.datetime):
        return isinstance(said, str) and said.startswith(model.strftime("%Y-%m-%dT%H:%M:%S"))
    if isinstance(said, bool) or isinstance(model, bool):
        return said is model
    if isinstance(said, (int, float)):
        return isinstance(model, (int, float)) and model == said
    return model == said
