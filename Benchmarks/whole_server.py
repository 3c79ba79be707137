"""The tunnel of the whole server: a person signs in, gets tokens, and their bytes go through the bastion to a machine.

Beside it nginx stream on the same way: from the server's network namespace to a program in the machine's.
"""

import multiprocessing
import os
import queue
import tempfile
import time
from pathlib import Path

import login
import processes
import tunnel
from report import Row
from service import Service, TunnelMaker
from tunnel_ends import Backend, enter

MANY = 200
STALLED = 20


def in_the_lab(answer, options, work, kind):
    """Runs `work(lab)` in a process that lives in the server's network, and hands over what it returns."""
    try:
        os.environ["SALLYPORT_PROGRAMS"] = str(Path(options.programs).resolve())
        with kind() as lab:
            enter(lab.place.path)
            answer.put(work(lab, options))
    except BaseException as error:
        answer.put(error)


def inside(work, options, kind=login.Lab):
    """What `work(lab, options)` returns, run in a fresh lab of a kind."""
    if os.geteuid() != 0:
        raise processes.Missing("root, which machines made out of namespaces take")
    answer = multiprocessing.Queue()
    child = multiprocessing.Process(target=in_the_lab, args=(answer, options, work, kind))
    child.start()
    found = None
    while found is None:
        try:
            found = answer.get(timeout=1)
        except queue.Empty:
            if not child.is_alive():
                raise processes.Missing(f"an answer: the measuring process ended with {child.exitcode}") from None
    child.join()
    if isinstance(found, BaseException):
        raise processes.Missing(f"an end of it without {type(found).__name__}: {found}")
    return found


def relays(lab, folder):
    """Our server and nginx, in front of one program in the machine."""
    processes.make_certificate(folder)
    backend = Backend(login.ADDRESS, f"/proc/{lab.machine.pid}/ns/net")
    ours = TunnelMaker(Service(lab, "alice"), lab.server.pid, login.RESOURCE, backend.port)
    return backend, {"nginx": tunnel.start_nginx(folder, f"{login.ADDRESS}:{backend.port}"), "ours": ours}


def memory(pair):
    """Resident memory of both with tunnels of several kinds, one after the other, and what opening one costs."""
    found = {}
    for name, relay in pair.items():
        relay.connect().close()
        time.sleep(1)
        numbers = [processes.resident(relay.pid)]
        before = processes.processor_seconds(relay.pid)
        held = tunnel.hold_idle(relay, MANY)
        numbers.append((processes.processor_seconds(relay.pid) - before) / MANY * 1e3)
        numbers.append((processes.resident(relay.pid) - numbers[0]) / MANY)
        for stall in (tunnel.stall_clients, tunnel.stall_machines):
            earlier = processes.resident(relay.pid)
            held += stall(relay, STALLED)
            numbers.append((processes.resident(relay.pid) - earlier) / STALLED)
        for client in held:
            client.close()
        time.sleep(2)
        numbers.append(processes.resident(relay.pid))
        found[name] = numbers
    titles = [
        ("resident, one tunnel ago", "KiB"),
        (f"CPU to open a tunnel, mean of {MANY}", "ms"),
        (f"resident, per idle tunnel of {MANY}", "KiB"),
        (f"the same, per client that does not read, of {STALLED}", "KiB"),
        (f"the same, per machine that does not read, of {STALLED}", "KiB"),
        ("resident, after all of them ended", "KiB"),
    ]
    return [
        Row(f"whole server: {title}", unit, ours, nginx, "nginx stream")
        for (title, unit), ours, nginx in zip(titles, found["ours"], found["nginx"], strict=True)
    ]


def measure(lab, options):
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as folder:
        backend, pair = relays(lab, Path(folder))
        try:
            return memory(pair) + tunnel.speed(pair, options, "whole server")
        finally:
            pair["nginx"].stop()
            backend.stop()


def rows(options):
    return inside(measure, options)
