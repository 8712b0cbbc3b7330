"""The service with an analysis that fails in every way that reaches nobody: `--factory tests.crashing:service`."""

import asyncio
import threading
import warnings
from typing import Any

from fastapi import FastAPI

from app.api.routes import recurrences
from app.main import create_app


def crash(request: Any, *_: Any) -> Any:
    """Raise what has all the data in its text: in the loop, in a thread, as a warning, in the request itself."""
    secret = request.model_dump_json()

    def fail() -> None:
        raise RuntimeError(secret)

    async def fail_later() -> None:
        fail()

    warnings.warn(secret, RuntimeWarning, stacklevel=1)
    asyncio.get_running_loop().call_soon(fail)
    asyncio.get_running_loop().create_task(fail_later())
    threading.Thread(target=fail).start()
    raise RuntimeError(secret) from ValueError(secret)


def service() -> FastAPI:
    """Return the service whose recurrences crash; only a process of its own may ask for it."""
    vars(recurrences)["answer"] = crash
    return create_app()
