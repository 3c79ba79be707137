"""How long programs take to start: `sally`, and the server until it answers over HTTPS."""

import contextlib
import http.client
import os
import shutil
import ssl
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import processes
from report import Goal, Row


def run_time(line):
    """Seconds from spawning a command to its end, and the CPU seconds that it used."""
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawn(line[0], line, os.environ, file_actions=null)
    _, status, usage = os.wait4(pid, 0)
    spent = time.perf_counter() - start
    if status != 0:
        raise processes.Missing(f"a good end of {' '.join(line)}: status {status}")
    return spent, usage.ru_utime + usage.ru_stime


def sally(options):
    ours, beside = [processes.program(options.programs, "sally"), "--version"], [processes.tool("ssh"), "-V"]
    lasted, used = ([], []), ([], [])
    run_time(ours)
    for _ in range(50):
        for number, line in enumerate((ours, beside)):
            seconds, processor = run_time(line)
            lasted[number].append(seconds * 1e3)
            used[number].append(processor * 1e3)
    return [
        Row("sally --version, start to end", "ms", *map(statistics.median, lasted), "ssh -V", Goal(10, passes=15)),
        Row("sally --version, CPU", "ms", *map(statistics.median, used), "ssh -V"),
    ]


def until_answer(line, port, context):
    """Seconds from starting a server to the last byte of its first answer over HTTPS."""
    start = time.perf_counter()
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - start < 30 and process.poll() is None:
            connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=5)
            with contextlib.suppress(OSError), contextlib.closing(connection):
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    return time.perf_counter() - start
            time.sleep(0.0005)
        raise processes.Missing(f"an answer of {line[0]}")
    finally:
        processes.end(process)


def nginx_line(folder, port):
    processes.make_certificate(folder)
    (folder / "nginx.conf").write_text(
        f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
events {{ }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{ return 200 "ok"; }}
    }}
}}
"""
    )
    return [processes.tool("nginx"), "-c", f"{folder}/nginx.conf", "-p", str(folder)]


def server(options):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    folder = Path(tempfile.mkdtemp(prefix="sallyport-bench-"))
    try:
        port = processes.free_port()
        program = processes.program(options.programs, "sallyport")
        ours = [program, "serve", "--data", str(folder / "data"), "--port", str(port), "--address", "127.0.0.1"]
        ours += ["--public-url", f"https://localhost:{port}", "--names", "localhost"]
        ours += ["--tenant-domain", "contoso.example"]
        beside = nginx_line(folder, port)
        # The first start makes keys, certificates and the database.
        first = until_answer(ours, port, context) * 1e3
        times = {0: [], 1: []}
        for _ in range(15):
            for number, line in enumerate((ours, beside)):
                times[number].append(until_answer(line, port, context) * 1e3)
        medians = [statistics.median(values) for values in times.values()]
        return [
            Row("sallyport serve, start to first HTTPS answer", "ms", *medians, "nginx", Goal(100, passes=150)),
            Row("sallyport serve, the same with an empty data directory", "ms", first),
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rows(options):
    with processes.first_in_line():
        return [*sally(options), *server(options)]
