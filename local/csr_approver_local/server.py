"""The one WSGI server of a process that stands in for AWS: importing and starting it costs more than a test may."""

from collections.abc import Iterable
from functools import cache
from threading import Lock, Thread
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response


class LoopbackServer:
    """Listens on a free port of 127.0.0.1 and serves the application that has it for now."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self._application: WSGIApplication | None = None
        self._lock = Lock()
        server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_RequestHandler)
        self.url = f"http://127.0.0.1:{server.port}"
        Thread(target=server.serve_forever, name="local AWS", daemon=True).start()

    def attach(self, application: WSGIApplication) -> None:
        """Serve `application`. RuntimeError if another is served: moto's state is the process's."""
        with self._lock:
            if self._application is not None:
                raise RuntimeError("a process can have one local AWS at a time; leave the first one's `with` block")
            self._application = application

    def detach(self) -> None:
        """Answer 503 until the next application comes."""
        self._application = None

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        application = self._application or Response("no local AWS is running", 503)
        return application(environ, start_response)


@cache
def loopback_server() -> LoopbackServer:
    """The process's server, started at the first call."""
    return LoopbackServer()


class _RequestHandler(MotoRequestHandler):
    def log(self, *_: object) -> None:
        """Nothing: a line a request on standard error would bury what a replay has to say."""
