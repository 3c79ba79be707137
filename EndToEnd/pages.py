"""The pages that people see, driven as a person would."""


def url_of_browser(folder):
    """Environment that makes Python's `webbrowser` write the address to a file instead of opening it."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" >{folder}/address.new\nmv {folder}/address.new {folder}/address\n')
    script.chmod(0o755)
    return {"BROWSER": f"{script} %s"}


def sign_in_as(page, world, name, password=None):
    """Fills in user name and password; waits for the page to be there first."""
    page.locator("input[name=username]:visible").wait_for()
    page.fill("input[name=username]", world.upn(name))
    page.fill("input[type=password]", password or world.password(name))
    press(page, "signin")


def enter_code(page, code):
    """Fills in the code that another device shows."""
    page.fill("input[name=code]", code)
    press(page, "code")


def press(page, action):
    """Presses the button of that meaning."""
    page.click(f"button[name=action][value={action}]")
