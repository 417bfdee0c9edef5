"""Executes a notebook of examples/ as a reader would, who presses stop once, and writes what its cells show into it.

    .venv/bin/python scripts/execute_notebook.py

It runs in a temporary folder, so no path of this machine gets into the notebook.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "examples" / "train_stop_compare.ipynb"
#: The tag of the cell whose assignments `execute` replaces.
PARAMETERS = "parameters"
#: The tag of the cell in which the reader presses stop: once the record of this run has so many rows.
STOPPED = "stopped"
STOPPED_RUN = Path("outputs/notebook/stopped")
STOPPED_ROWS = 1  # most of the run lies ahead then, so that it does not end before it is stopped
#: Seconds after which a cell counts as hanging.
TIMEOUT_S = 600


def execute(notebook: Path, folder: Path, parameters: Mapping[str, str] | None = None) -> Any:
    """Execute the cells in a kernel whose working directory is `folder`, and return the notebook with their outputs.

    Args:
        notebook: the file.
        folder: an existing folder.
        parameters: by name of a parameter the Python expression that replaces its value.

    Raises:
        CellExecutionError: an exception left a cell.
    """
    content = nbformat.read(notebook, as_version=4)
    for name, expression in (parameters or {}).items():
        _replace(content, name, expression)
    manager = KernelManager(kernel_name="python3")

    def press_stop(cell: Any, cell_index: int) -> None:
        if STOPPED in cell.metadata.get("tags", ()):
            Thread(target=_press_stop, args=(manager, folder / STOPPED_RUN / "metrics.jsonl"), daemon=True).start()

    client = NotebookClient(
        content,
        km=manager,
        resources={"metadata": {"path": str(folder)}},
        timeout=TIMEOUT_S,
        record_timing=False,
        on_cell_execute=press_stop,
    )
    try:
        return client.execute()
    finally:
        manager.shutdown_kernel(now=True)


def _replace(content: Any, name: str, expression: str) -> None:
    """Replace the value in the line `name = value  # comment` of the cell of parameters."""
    cell = next(cell for cell in content.cells if PARAMETERS in cell.metadata.get("tags", ()))
    lines = cell.source.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(f"{name} = "))
    lines[place] = f"{name} = {expression}"
    cell.source = "\n".join(lines)


def _press_stop(manager: Any, record: Path) -> None:
    """Interrupt the kernel as the stop button does, when the run has recorded some rows."""
    end = time.monotonic() + TIMEOUT_S
    while not record.exists() or record.read_bytes().count(b"\n") < STOPPED_ROWS:
        if time.monotonic() > end:
            return
        time.sleep(0.01)
    manager.interrupt_kernel()


def main() -> None:
    """Execute the notebook and write it anew."""
    with tempfile.TemporaryDirectory() as folder:
        content = execute(NOTEBOOK, Path(folder))
    content.metadata = {"kernelspec": content.metadata["kernelspec"], "language_info": {"name": "python"}}
    nbformat.write(content, NOTEBOOK)


if __name__ == "__main__":
    main()
