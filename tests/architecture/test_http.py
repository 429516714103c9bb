"""There is one way out of this process: HTTP clients are imported by the guarded client and by OAuth, nowhere else."""

from tests.architecture.code import imports_of, sources

CLIENTS = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "requests",
    "urllib3",
    "aiohttp",
    "http.client",
    "urllib.request",
)
ENGINE = ("integrations/engine/http.py", "integrations/engine/guard.py", "integrations/engine/wire.py")
ALLOWED = (*ENGINE, "integrations/oauth/")
# The supervisor and its probes ask this installation's own address, on this machine.
LOCAL = ("config/run/",)


def is_client(module: str) -> bool:
    return any(module == client or module.startswith(f"{client}.") for client in CLIENTS)


def test_http_clients_are_imported_in_the_one_place() -> None:
    found = {
        path
        for path, tree in sources().items()
        if not path.startswith((*ALLOWED, *LOCAL)) and any(is_client(module) for module in imports_of(tree))
    }

    assert sorted(found) == []


def test_the_one_place_imports_one() -> None:
    """So that the check cannot pass because it looks for the wrong names."""
    assert any(is_client(module) for module in imports_of(sources()["integrations/engine/http.py"]))
