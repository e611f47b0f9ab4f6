import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import harness  # noqa: E402
import sweep  # noqa: E402


@pytest.fixture
def binary():
    """The program under test; without it there is nothing to test, and the reason is said."""
    path = os.environ.get("SLUICE_BIN")
    if not path:
        pytest.skip("SLUICE_BIN is not set: give the path of a sluice binary")
    if not os.access(path, os.X_OK):
        pytest.skip(f"SLUICE_BIN is {path}, which is not an executable file")
    return path


@pytest.fixture(autouse=True)
def no_secret_shows():
    """Whatever a test is about."""
    harness.Workspace.made.clear()
    yield
    for made in harness.Workspace.made:
        sweep.workspace(made)


@pytest.fixture
def world(tmp_path_factory):
    """Makes peers and workspaces, and ends what it made. Its folder does not carry the test's name: paths come up in
    log lines, and a test must not find its own words there."""
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


class World:
    def __init__(self, folder):
        self.folder = folder
        self._started = []
        self._endings = []
        self._salesforces = 0

    def salesforce(self, topics, **options) -> harness.SalesforcePeer:
        self._salesforces += 1
        name = f"salesforce-{self._salesforces}"
        return self._keep(harness.SalesforcePeer(topics, self.folder / "peers", name=name, **options))

    def receiver(self, **options):
        return self._keep(harness.receiver(self.folder / "peers", **options))

    def workspace(self, salesforce, name="sluice") -> harness.Workspace:
        return harness.Workspace(self.folder / name, salesforce)

    def front(self, front):
        """Something between the relay and a peer; ended like a peer."""
        return self._keep(front)

    def at_end(self, call):
        self._endings.append(call)

    def close(self):
        for call in reversed(self._endings):
            call()
        for peer in reversed(self._started):
            peer.stop()

    def _keep(self, peer):
        self._started.append(peer)
        return peer
