"""A machine that is not well, for one process: its clock, its disk and its names fail on order (see machine.c)."""

import mmap
import pathlib
import struct
import subprocess

SOURCE = pathlib.Path(__file__).with_name("machine.c")
LAYOUT = struct.Struct("<qiiiiq")  # struct trouble
EAI_AGAIN, EAI_NONAME = -3, -2


class Machine:
    """`environment` makes a process run on it. A name that ends in .machine.test is 127.0.0.1 there."""

    def __init__(self, folder, store):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        library, page = folder / "machine.so", folder / "machine.page"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        page.write_bytes(bytes(LAYOUT.size))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), LAYOUT.size)
        self.environment = {
            "LD_PRELOAD": str(library), "MACHINE_PAGE": str(page), "MACHINE_STORE": str(pathlib.Path(store).parent),
        }  # fmt: skip

    def suffer(self, clock_offset=0, write_error=0, sync_error=0, name_error=0):
        """From now on, until `suffer` says otherwise: seconds, errno, errno, and an EAI_ code."""
        self._page[: LAYOUT.size - 8] = LAYOUT.pack(clock_offset, write_error, sync_error, name_error, 0, 0)[:-8]

    @property
    def hits(self) -> int:
        """Calls that were made to fail."""
        return LAYOUT.unpack(self._page[:])[5]
