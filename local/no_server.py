"""Why no Prefect server can be used. Beside `prefect_server`, which takes seconds to import."""


class NoServer(ValueError):
    """No Prefect server can be used; the message says why and what to do."""


class NoAnswer(NoServer):
    """The server does not answer, or not as Prefect's does."""
