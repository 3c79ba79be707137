"""FreeRDP's own client on a screen without a monitor: start it, look at the picture, press keys."""

import contextlib
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

_COUNT = itertools.count()


class Picture:
    """What a screen shows: rows of red, green and blue."""

    def __init__(self, width, height, pixels):
        self.width = width
        self.height = height
        self.pixels = pixels

    def colour_at(self, x, y):
        """The colour of one point."""
        start = 3 * (y * self.width + x)
        return tuple(self.pixels[start : start + 3])

    def share(self, colour, tolerance=12):
        """Which part of the picture has about this colour, 0 to 1. Every fourth point is looked at."""
        found = total = 0
        for start in range(0, len(self.pixels), 12):
            point = self.pixels[start : start + 3]
            total += 1
            found += all(abs(one - other) <= tolerance for one, other in zip(point, colour, strict=True))
        return found / max(total, 1)

    def save(self, path):
        """Writes a PNG."""
        size = f"{self.width}x{self.height}"
        subprocess.run(["convert", "-size", size, "-depth", "8", "rgb:-", f"png:{path}"], input=self.pixels, check=True)


class Screen:
    """An Xvfb of its own. Use it in a `with`."""

    def __init__(self, width=1024, height=768):
        self.width = width
        self.height = height
        self._process = None

    def __enter__(self):
        # A number that no other run takes: clients in other networks find the screen by its file, which is shared.
        number = 1000 + (os.getpid() * 64 + next(_COUNT)) % 50_000
        size = f"{self.width}x{self.height}x24"
        line = ["Xvfb", f":{number}", "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
        self._process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while not Path(f"/tmp/.X11-unix/X{number}").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Xvfb did not start")
            time.sleep(0.02)
        self.display = f":{number}"
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)

    @property
    def environment(self):
        return {**os.environ, "DISPLAY": self.display}

    def picture(self):
        """What is on the screen now."""
        line = ["import", "-window", "root", "-depth", "8", "rgb:-"]
        done = subprocess.run(line, env=self.environment, stdout=subprocess.PIPE, check=True, timeout=30)
        return Picture(self.width, self.height, done.stdout)

    def _do(self, *arguments):
        subprocess.run(["xdotool", *map(str, arguments)], env=self.environment, check=True, timeout=30)

    def type(self, text, delay=20):
        """Types a text into the window with the focus; a line's end is the return key."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self.key("Return")
            if line:
                self._do("type", "--delay", delay, line)

    def key(self, *names):
        """Presses keys, for example "Return" or "ctrl+c"."""
        self._do("key", *names)

    def click(self, x, y):
        """Presses the left mouse button somewhere."""
        self._do("mousemove", x, y, "click", 1)

    def wait_for(self, condition, seconds, what="the picture"):
        """Waits until `condition(picture)` holds; returns the picture."""
        deadline = time.monotonic() + seconds
        while True:
            picture = self.picture()
            if condition(picture):
                return picture
            assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
            time.sleep(0.1)


class FreeRDP:
    """One run of xfreerdp on a screen, from an `.rdp` file or from arguments. Use it in a `with`.

    `authority` is a PEM file of the only authority that is trusted; without it every certificate is taken. `password`
    goes in by standard input, never by the command line, and so does `answer`, to a question. `inside` turns a command
    line into one that runs elsewhere (a lab's Namespace has such a method)."""

    def __init__(
        self, screen, *arguments, file=None, authority=None, password=None, inside=list, environment=(), answer=""
    ):
        self.screen = screen
        self.home = Path(tempfile.mkdtemp(prefix="sallyport-freerdp-"))
        self.line = ["xfreerdp", *([str(file)] if file else []), *map(str, arguments)]
        self.line += [f"/w:{screen.width}", f"/h:{screen.height}", "-decorations", "/log-level:INFO"]
        self.line += ["/cert:deny"] if authority else ["/cert:ignore"]
        # Without `force` it asks only when the server wants network level authentication.
        self.line += ["/from-stdin:force"] if password is not None else []
        self._password = password
        self._answer = answer
        self._inside = inside
        self._environment = {**screen.environment, "HOME": str(self.home), "LANG": "C.UTF-8", **dict(environment)}
        if authority:
            self._environment["SSL_CERT_FILE"] = str(authority)
        self._written = []

    def __enter__(self):
        self._process = subprocess.Popen(
            self._inside(self.line),
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        if self._password is not None:
            self._process.stdin.write(self._password + "\n")
        self._process.stdin.write(self._answer)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self):
        for line in self._process.stdout:
            self._written.append(line)

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
        self._reader.join(5)
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def output(self):
        """Everything it has printed so far."""
        return "".join(self._written)

    @property
    def errors(self):
        """Names of the errors it printed, such as ERRCONNECT_LOGON_FAILURE, E_PROXY_RAP_ACCESSDENIED."""
        return re.findall(r"\b(?:ERRCONNECT|ERRINFO|E_PROXY|STATUS)_[A-Z0-9_]+", self.output)

    def is_running(self):
        """Whether the client is still there."""
        return self._process.poll() is None

    def wait_for_end(self, seconds):
        """The exit status, when the client ends by itself in time."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the client still runs after {seconds} s:\n{self.output[-2000:]}") from None
        self._reader.join(5)
        return status

    def wait_for_colour(self, colour, seconds=20, share=0.5):
        """Waits until so much of the screen has a colour; returns the picture."""
        deadline = time.monotonic() + seconds
        while True:
            picture = self.screen.picture()
            if picture.share(colour) >= share:
                return picture
            assert self.is_running(), f"the client ended with {self._process.returncode}:\n{self.output[-3000:]}"
            assert time.monotonic() < deadline, f"no desktop within {seconds} s:\n{self.output[-3000:]}"
            time.sleep(0.1)
