#!/usr/bin/env python3
"""An HTTP server that answers late: the upstream of the example service's /upstream.

    python3 examples/upstream.py [PORT]     0, the default, takes any port; the first line printed is the port

GET / answers after 5 ms, GET /?delay=MS after that many milliseconds.
"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DEFAULT_DELAY_MS = 5.0


class Late(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The head and the body are sent as they are written: nothing waits for an acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path != "/":
            return self.answer(404, "no such path")
        delay = parse_qs(url.query).get("delay", [DEFAULT_DELAY_MS])[0]
        try:
            seconds = float(delay) / 1000
            if not 0 <= seconds <= 3600:
                raise ValueError
        except ValueError:
            return self.answer(400, "delay is in milliseconds, up to an hour")
        time.sleep(seconds)
        self.answer(200, f"upstream answered after {seconds * 1000:g} ms")

    def answer(self, status, text):
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # A client that left before its answer is no news.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Late)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
