"""Where an address lies, told from its letters alone."""

import pytest

from sidestep.addresses import find_address_space, is_crossing, is_home_name, is_mixed_content

LOOPBACK = ["http://localhost:11434/v1", "http://LOCALHOST.", "http://ollama.localhost", "http://127.0.0.1:1", "http://127.9.9.9",
            "http://[::1]:80/", "http://[::ffff:127.0.0.1]"]  # fmt: skip
LOCAL = ["http://10.1.2.3", "http://172.16.0.1", "http://172.31.255.255", "http://192.168.1.2:8000/v1", "http://169.254.1.1",
         "http://[fd00::1]", "http://[fe80::1]", "http://nas.local", "http://[::ffff:192.168.0.9]"]  # fmt: skip
PUBLIC = ["https://api.openai.com/v1", "http://172.32.0.1", "http://8.8.8.8", "https://localhost.example", "https://local",
          "https://mylocal", "https://127.0.0.1.example", "http://[2001:db8::1]", "", "http://[broken"]  # fmt: skip


@pytest.mark.parametrize(
    ("urls", "space"),
    [(LOOPBACK, "loopback"), (LOCAL, "local"), (PUBLIC, "public")],
    ids=["loopback", "local", "public"],
)
def test_the_space_of_an_address(urls: list[str], space: str) -> None:
    assert {url: find_address_space(url) for url in urls} == dict.fromkeys(urls, space)


def test_only_a_step_closer_to_the_user_needs_leave() -> None:
    assert is_crossing("https://page.test", "http://127.0.0.1:8787")
    assert is_crossing("https://page.test", "http://192.168.1.2")
    assert is_crossing("http://192.168.1.2", "http://localhost:1234")
    assert not is_crossing("http://localhost:8000", "http://localhost:1234")
    assert not is_crossing("http://localhost:8000", "http://192.168.1.2")
    assert not is_crossing("https://page.test", "https://api.openai.com")


@pytest.mark.parametrize(
    ("page", "url", "can_target", "is_mixed"),
    [
        ("https://page.test", "http://api.test/v1", True, True),
        ("https://page.test", "http://192.168.1.2", False, True),
        ("https://page.test", "http://192.168.1.2", True, False),
        ("https://page.test", "http://localhost:11434", False, False),
        ("https://page.test", "https://api.test", False, False),
        ("http://page.test", "http://api.test", False, False),
        ("", "http://api.test", False, False),
    ],
)
def test_mixed_content_is_only_what_every_browser_forbids(
    page: str, url: str, can_target: bool, is_mixed: bool
) -> None:
    assert is_mixed_content(page, url, can_target=can_target) is is_mixed


def test_names_that_only_one_network_may_know() -> None:
    assert all(
        map(is_home_name, ["http://llm", "http://gpu.corp/v1", "http://box.lan", "http://10.0.0.1", "http://localhost"])
    )
    assert not any(map(is_home_name, ["https://api.z.ai", "https://corp.example", "http://8.8.8.8"]))
