"""A server protocol whose connections the applications can cut in the middle of a call."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.asgi import CUT


class CuttableProtocol(HttpToolsProtocol):
    """Offers each request a way to abort its connection, as an extension of the scope."""

    def on_message_begin(self) -> None:
        """Begin a request with the extension in its scope."""
        super().on_message_begin()
        self.scope["extensions"] = {CUT: {"abort": self.transport.abort}}
