"""The papermill engine of the study: kernels that talk over sockets in the file system.

Kernels started at the same moment over TCP race for free ports (papermill issue 511); these cannot.
"""

import tempfile

from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager
from traitlets.config import Config


class IpcEngine(NBClientEngine):
    """papermill's own engine with the kernel's transport set to IPC: `papermill --engine ipc`."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **kwargs: object
    ) -> NotebookNode:
        """Execute the notebook as `NBClientEngine` does, its sockets in a folder of their own."""
        with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
            config = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/socket"}})
            return super().execute_managed_notebook(nb_man, kernel_name, config=config, **kwargs)
