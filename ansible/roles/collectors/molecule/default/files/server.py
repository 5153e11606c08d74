"""Stands in for InfluxDB: keeps the lines that come with the token in /root/token."""

import gzip
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

TOKEN = Path("/root/token").read_text().strip()


class Server(BaseHTTPRequestHandler):
    """Answers as InfluxDB does."""

    def do_POST(self):
        """Keep lines, or refuse them for want of the token."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            data = gzip.decompress(data)
        good = self.headers["Authorization"] == f"Token {TOKEN}"
        if good:
            with Path("/root/lines").open("ab") as file:
                file.write(data)
        self.send_response(204 if good else 401)
        self.end_headers()


HTTPServer(("127.0.0.1", 8086), Server).serve_forever()
