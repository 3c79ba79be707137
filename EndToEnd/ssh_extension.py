"""The ssh extension's side of the wire: how it finds a machine's address, and how it gets a certificate."""

from sign_in import SSH_SCOPE

MACHINE_TYPES = {
    "microsoft.compute/virtualmachines",
    "microsoft.hybridcompute/machines",
    "microsoft.connectedvmwarevsphere/virtualmachines",
    "microsoft.scvmm/virtualmachines",
    "microsoft.azurestackhci/virtualmachines",
}


class ResourceManager:
    """Requests to the resource API as somebody."""

    def __init__(self, endpoint, token):
        self.endpoint = endpoint
        self.token = token

    def send(self, method, path, version="2024-11-01", body=None, **query):
        """One request; the answer as it came."""
        address = path if path.startswith("https:") else self.endpoint.url + path
        return self.endpoint.http.request(
            method,
            address,
            params={**query, "api-version": version},
            json=body,
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"},
            timeout=20,
        )

    def get(self, path, version="2024-11-01", **query):
        """The body of a successful GET."""
        answer = self.send("GET", path, version, **query)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()


def find_address(manager, group_path, name, prefer_private=False):
    """The address that `az ssh vm -n NAME -g GROUP` would connect to, found with its requests in its order."""
    found = manager.get(f"{group_path}/resources", "2025-04-01", **{"$filter": f"name eq '{name}'"})["value"]
    machines = [item for item in found if item["type"].lower() in MACHINE_TYPES]
    assert len({item["type"].lower() for item in machines}) == 1, machines
    path = machines[0]["id"]
    machine = manager.get(path)
    assert machine["properties"]["storageProfile"]["osDisk"]["osType"] == "Linux"
    private = []
    for interface in manager.get(path)["properties"]["networkProfile"]["networkInterfaces"]:
        for configuration in manager.get(interface["id"], "2022-01-01")["properties"]["ipConfigurations"]:
            properties = configuration["properties"]
            if properties.get("publicIPAddress") and not prefer_private:
                return manager.get(properties["publicIPAddress"]["id"], "2022-05-01")["properties"]["ipAddress"]
            if properties.get("privateIPAddress"):
                private.append(properties["privateIPAddress"])
    return private[0]


def user_certificate(endpoint, refresh_token, key):
    """A certificate for a person's key, written beside it; returns the whole answer."""
    answer = endpoint.refresh(refresh_token, SSH_SCOPE, **key.form())
    key.keep(answer)
    return answer


def robot_certificate(endpoint, app_id, secret, key):
    """A certificate for a service principal's key."""
    answer = endpoint.robot(app_id, secret, SSH_SCOPE, **key.form())
    key.keep(answer)
    return answer
