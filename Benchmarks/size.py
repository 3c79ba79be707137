"""One server with many machines and role assignments: its start, its lists, single answers and changes.

Everything is written by `sallyport apply` and asked for over HTTPS on the loopback interface, so that what is measured
is the whole server. Two sizes stand beside each other: what grows with the installation shows.
"""

import itertools
import os
import random
import secrets
import shutil
import ssl
import statistics
import subprocess
import tempfile
import time
import types
import uuid
from pathlib import Path

import processes
import service
import starting
from report import Goal, Row

#: Machines and role assignments.
SIZES = ((1_000, 1_000), (10_000, 100_000))
SUBSCRIPTIONS = 25
#: Half of the machines lie in the first subscription, in this many groups; the other half in two groups each.
GROUPS_OF_FIRST = 5
USERS = 2_000
#: As many machines somebody may read who may read only a few.
FEW = 5
PEOPLE = ("admin", "alice", "dave")
ROLES = ("Reader", "Virtual Machine User Login", "Virtual Machine Administrator Login", "Contributor")
TRIPS = 200


def subscription(number):
    return str(uuid.UUID(int=0x5A11_B0A7_5123_4C0A_8D0E_0000_0000_0000 + number))


def group_of(machine, count):
    """The subscription and the name of the group in which a machine lies."""
    half = count // 2
    if machine < half:
        return 0, f"rg-0-{machine * GROUPS_OF_FIRST // half}"
    place = 1 + machine % (SUBSCRIPTIONS - 1)
    return place, f"rg-{place}-{machine // SUBSCRIPTIONS % 2}"


def assignments(machines, count):
    """Who has which role where: most at single machines, some at groups, few at subscriptions; each once."""
    draw = random.Random(1)
    seen = set()
    while len(seen) < count:
        machine = draw.randrange(machines)
        place, group = group_of(machine, machines)
        kind = draw.random()
        scope = f"{group}/vm{machine:05}" if kind < 0.9 else group if kind < 0.99 else f"sub{place}"
        # Spread over the subscriptions evenly: each may hold some thousands.
        seen.add((f"u{draw.randrange(USERS)}", draw.choice(ROLES), scope))
    return sorted(seen)


def plan(machines, roles):
    """The apply file."""
    groups = sorted({group_of(machine, machines) for machine in range(machines)})
    lines = ["apiVersion: 1", "tenant: {domain: contoso.example, displayName: Contoso}", "subscriptions:"]
    lines += [f"  - {{id: {subscription(n)}, displayName: sub{n}}}" for n in range(SUBSCRIPTIONS)]
    lines += ["users:"]
    for name in PEOPLE:
        password = f"{{environment: SALLYPORT_{name.upper()}_PASSWORD}}"
        lines.append(f"  - {{upn: {name}, displayName: {name}, password: {password}}}")
    lines += [f"  - {{upn: u{n}, displayName: User {n}}}" for n in range(USERS)]
    lines += ["resourceGroups:"]
    lines += [f"  - {{name: {group}, subscription: sub{n}, location: local}}" for n, group in groups]
    lines += ["virtualNetworks:"]
    for _, group in groups:
        subnets = (
            "[{name: machines, addressPrefix: 10.0.0.0/17}, {name: AzureBastionSubnet, addressPrefix: 10.0.255.0/26}]"
        )
        lines.append(
            f"  - {{name: net-{group}, resourceGroup: {group}, addressPrefixes: [10.0.0.0/16], subnets: {subnets}}}"
        )
    lines += ["bastionHosts:"]
    lines += [
        f"  - {{name: bastion-{group}, resourceGroup: {group}, virtualNetwork: net-{group}, sku: Standard,"
        " enableTunneling: true}"
        for _, group in groups
    ]
    lines += ["virtualMachines:"]
    for number in range(machines):
        _, group = group_of(number, machines)
        address = f"10.0.{number // 250 % 128}.{number % 250 + 4}"
        lines.append(
            f"  - {{name: vm{number:05}, resourceGroup: {group}, osType: Linux, virtualNetwork: net-{group},"
            f" subnet: machines, privateAddress: {address}, identity: None, entraLogin: false}}"
        )
    lines += ["roleAssignments:"]
    lines += [f"  - {{principal: admin, role: Owner, scope: sub{n}}}" for n in range(SUBSCRIPTIONS)]
    step = machines // 2 // FEW
    for number in range(0, step * FEW, step):
        lines.append(f"  - {{principal: dave, role: Reader, scope: {group_of(number, machines)[1]}/vm{number:05}}}")
    lines += [
        f'  - {{principal: {who}, role: "{role}", scope: {scope}}}' for who, role, scope in assignments(machines, roles)
    ]
    return "\n".join(lines) + "\n"


def machine_path(number, machines):
    place, group = group_of(number, machines)
    root = f"/subscriptions/{subscription(place)}/resourceGroups/{group}/providers"
    return root, f"{root}/Microsoft.Compute/virtualMachines/vm{number:05}"


class Times:
    """How long each of many requests took, and the processor time that the server needed for them."""

    def __init__(self, pid, work, count=TRIPS):
        used, self.milliseconds = processes.processor_seconds(pid), []
        for number in range(count):
            start = time.perf_counter()
            work(number)
            self.milliseconds.append((time.perf_counter() - start) * 1e3)
        self.processor = (processes.processor_seconds(pid) - used) * 1e3 / count

    def rows(self, label, what, goal=None):
        ordered = sorted(self.milliseconds)
        last = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
        return [
            Row(f"{label}: {what}, p50", "ms", statistics.median(ordered)),
            Row(f"{label}: {what}, p99", "ms", last, goal=goal),
            Row(f"{label}: {what}, CPU of the server", "ms", self.processor),
        ]


def pages(person, path):
    """Every page of a list, over and over: a function that asks for the next one."""
    state = {"next": path}

    def turn(_):
        answer = person.resource("GET", state["next"])
        link = answer.get("nextLink")
        query = "&".join(part for part in link.split("?", 1)[1].split("&") if "api-version" not in part) if link else ""
        state["next"] = f"{path.split('?')[0]}?{query}" if link else path

    return turn


def questions(people, pid, label, machines):
    """Lists and single answers."""
    admin, few = people["admin"], people["dave"]
    type_of = "providers/Microsoft.Compute/virtualMachines"
    whole = f"/subscriptions/{subscription(0)}/{type_of}"
    group = f"/subscriptions/{subscription(0)}/resourceGroups/rg-0-0/{type_of}"
    rows = []
    for what, turn in {
        "a page of 100 machines of a group": pages(admin, f"{group}?$top=100"),
        "a page of 250 machines of a subscription": pages(admin, f"{whole}?$top=1000"),
        f"the machines of a subscription for somebody who may read {FEW}": lambda _: few.resource("GET", whole),
        "one machine": lambda n: admin.resource("GET", machine_path(n * 37 % machines, machines)[1]),
    }.items():
        rows += Times(pid, turn).rows(label, what, Goal(50))
    found = len(few.resource("GET", whole)["value"])
    if found != FEW:
        raise processes.Missing(f"a list of {FEW} machines: there were {found}")
    return rows


def changes(people, pid, label, machines):
    """A new machine with its interface, a role given and taken away, a tunnel asked for."""
    admin = people["admin"]
    root, first = machine_path(0, machines)
    subnet = f"{root}/Microsoft.Network/virtualNetworks/net-rg-0-0/subnets/machines"
    user = admin.resource("GET", f"{first}/providers/Microsoft.Authorization/roleAssignments")["value"][0]
    principal = user["properties"]["principalId"]
    reader = f"/subscriptions/{subscription(0)}/providers/Microsoft.Authorization/roleDefinitions/{service.READER}"
    names = [str(uuid.uuid4()) for _ in range(TRIPS)]

    def interface(number):
        place = {
            "subnet": {"id": subnet},
            "privateIPAddress": f"10.0.100.{number + 4}",
            "privateIPAllocationMethod": "Static",
        }
        body = {"location": "local", "properties": {"ipConfigurations": [{"name": "a", "properties": place}]}}
        admin.resource("PUT", f"{root}/Microsoft.Network/networkInterfaces/new{number}", body)

    def machine(number):
        body = {
            "location": "local",
            "properties": {
                "networkProfile": {
                    "networkInterfaces": [{"id": f"{root}/Microsoft.Network/networkInterfaces/new{number}"}]
                },
                "storageProfile": {"osDisk": {"osType": "Linux", "createOption": "Attach"}},
            },
        }
        admin.resource("PUT", f"{root}/Microsoft.Compute/virtualMachines/new{number}", body)

    def give(number):
        # At machines of the second half of the first subscription, one role each.
        scope = machine_path(machines // 4 + number, machines)[1]
        body = {"properties": {"roleDefinitionId": reader, "principalId": admin.id, "principalType": "User"}}
        admin.resource("PUT", f"{scope}/providers/Microsoft.Authorization/roleAssignments/{names[number]}", body)

    def take(number):
        scope = machine_path(machines // 4 + number, machines)[1]
        admin.resource("DELETE", f"{scope}/providers/Microsoft.Authorization/roleAssignments/{names[number]}")

    def tunnel(number):
        target = machine_path(number * 37 % (machines // 2), machines)[1]
        form = {"resourceId": target, "protocol": "tcptunnel", "workloadHostPort": 22, "aztoken": admin.token}
        answer = admin.send("POST", "/api/tokens", form=form)
        admin.send("DELETE", f"/api/tokens/{answer['authToken']}")

    def remove(number):
        admin.resource("DELETE", f"{root}/Microsoft.Compute/virtualMachines/new{number}")

    admin.id = principal
    rows = []
    for what, turn in {
        "PUT of a new interface": interface,
        "PUT of a new machine": machine,
        "DELETE of a machine": remove,
        "a role given": give,
        "a role taken away": take,
        "POST /api/tokens, and its DELETE": tunnel,
    }.items():
        rows += Times(pid, turn).rows(label, what)
    return rows


def running(line, port, context, environment, label, data, passwords, machines):
    """Rows about a server on data that is there."""
    starts = [starting.until_answer(line, port, context) * 1e3 for _ in range(5)]
    rows = [Row(f"{label}: start to first HTTPS answer", "ms", statistics.median(starts), goal=Goal(2000))]
    server = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        processes.wait_for(port, server)
        lab = types.SimpleNamespace(
            url=f"https://localhost:{port}",
            secrets=passwords,
            server=types.SimpleNamespace(authority=data / "tls" / "ca.pem"),
        )
        people = {name: service.Service(lab, name) for name in PEOPLE}
        rows.append(Row(f"{label}: resident after the start", "MiB", processes.resident(server.pid) / 1024))
        rows += questions(people, server.pid, label, machines)
        rows += changes(people, server.pid, label, machines)
        rows.append(Row(f"{label}: resident at the end", "MiB", processes.resident(server.pid) / 1024))
        return rows
    finally:
        processes.end(server)


def size(options, machines, roles):
    """All rows of one size."""
    label = f"{machines:,} machines, {roles:,} role assignments"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    program = processes.program(options.programs, "sallyport")
    passwords = {f"SALLYPORT_{name.upper()}_PASSWORD": secrets.token_urlsafe(24) for name in PEOPLE}
    environment = {**os.environ, **passwords}
    folder = Path(tempfile.mkdtemp(prefix="sallyport-size-"))
    try:
        file, data, port = folder / "plan.yaml", folder / "data", processes.free_port()
        file.write_text(plan(machines, roles))
        data.mkdir(mode=0o700)
        # Azure's own limit is 4,000 for each subscription; half of everything lies in the first one here.
        environment["SALLYPORT_SERVE_ROLE_ASSIGNMENT_LIMIT"] = "1000000"
        begin = time.perf_counter()
        done = subprocess.run(
            [program, "apply", file, "--data", data], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise processes.Missing(f"an apply that works: {done.stderr[-500:]}")
        rows = [Row(f"{label}: sallyport apply of everything", "s", time.perf_counter() - begin)]
        line = [program, "serve", "--data", str(data), "--port", str(port), "--address", "127.0.0.1"]
        line += ["--public-url", f"https://localhost:{port}", "--names", "localhost"]
        with processes.first_in_line():
            rows += running(line, port, context, environment, label, data, passwords, machines)
        return rows
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rows(options):
    return list(itertools.chain.from_iterable(size(options, *one) for one in SIZES))
