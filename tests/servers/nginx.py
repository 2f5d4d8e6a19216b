"""Debian's nginx as a proxy before a registry, with its access log as it comes."""

from pathlib import Path

from tests.servers.peers import find_peer
from tests.servers.ports import free_port, is_listening
from tests.servers.server import Server

_CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {access_log};
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://{upstream};
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""


class Nginx(Server):
    """On a free port of 127.0.0.1, handing on what it is asked to `upstream`, a host and port."""

    def __init__(self, folder: Path, upstream: str) -> None:
        super().__init__("nginx", folder)
        self.upstream = upstream
        self.port = free_port()

    @property
    def access_log(self) -> Path:
        return self.folder / "access.log"

    def prepare(self) -> None:
        super().prepare()
        config = _CONFIG.format(folder=self.folder, access_log=self.access_log, port=self.port, upstream=self.upstream)
        (self.folder / "nginx.conf").write_text(config)

    def argv(self) -> list[str]:
        return [find_peer("nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def is_ready(self) -> bool:
        return is_listening(self.port)
