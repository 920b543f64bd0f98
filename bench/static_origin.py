"""The least origin that there can be: one body with given headers, whatever is asked for.

python3 static_origin.py HEADERS BODY prints its port on 127.0.0.1 and serves until it is ended.
HEADERS is a file of `name: value` lines. Only a cache's first miss comes here, so that it need not
be fast.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HEADERS = [
    line.split(": ", 1)
    for line in Path(sys.argv[1]).read_text().splitlines()
    if line
]
BODY = Path(sys.argv[2]).read_bytes()


class Static(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response_only(200)
        for name, value in HEADERS:
            self.send_header(name, value)
        self.send_header("date", self.date_time_string())
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Static)
print(server.server_port, flush=True)
server.serve_forever()
