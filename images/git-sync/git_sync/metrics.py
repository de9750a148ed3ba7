"""What is counted, and the HTTP endpoint that shows it."""

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Metrics:
    """What the official image counts, under its names."""

    syncs: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    fetches: int = 0
    ready: bool = False

    def text(self) -> str:
        """In Prometheus's text format."""
        lines = ["# TYPE git_sync_count_total counter"]
        lines += [
            f'git_sync_count_total{{status="{status}"}} {count}'
            for status, count in sorted(self.syncs.items())
        ]
        lines.append("# TYPE git_sync_duration_seconds summary")
        for status, count in sorted(self.syncs.items()):
            lines.append(f'git_sync_duration_seconds_sum{{status="{status}"}} {self.seconds[status]:.6f}')
            lines.append(f'git_sync_duration_seconds_count{{status="{status}"}} {count}')
        lines += ["# TYPE git_fetch_count_total counter", f"git_fetch_count_total {self.fetches}"]
        return "\n".join(lines) + "\n"


def serve(bind: str, metrics: Metrics, show_metrics: bool) -> ThreadingHTTPServer:
    """Serve readiness on every path and, where wanted, /metrics, in a thread. Raises OSError, ValueError."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if show_metrics and self.path == "/metrics":
                self._answer(200, metrics.text())
            elif metrics.ready:
                self._answer(200, "")
            else:
                self._answer(503, "repo is not ready\n")

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes every few seconds are no news."""

    host, _, port = bind.rpartition(":")
    server = ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
