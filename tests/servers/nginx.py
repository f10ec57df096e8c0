"""nginx over TLS: plain files with ranges and redirects, and a Synapse file proxy that checks signatures in JavaScript.

The proxy's check is written from the protocol, in another language than our sandbox signs in, behind a web server that
neither of us wrote: that both agree means something.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.processes import ServerMissingError, accepts, free_port, program, running

SECRET = "a-proxy-secret-of-more-than-36-characters"
_PACKAGES = "the Debian package nginx"
_MODULE = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebServer:
    """A running server.

    Attributes:
        files: the folder behind ``/files/`` (ranges), ``/whole/`` (none) and ``/proxylocal/`` (signed only).
        certificates: `authority` is what a client has to trust.
        requests: the access log, one line per request: method, path, range, status.
    """

    url: str
    files: Path
    certificates: Certificates
    requests: Path


@contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """Run one with its files in *folder*; raises ServerMissingError."""
    nginx = program("nginx", comes_with=_PACKAGES)
    if not _MODULE.exists():
        raise ServerMissingError(f"there is no {_MODULE}; the Debian package libnginx-mod-http-js brings it")
    certificates = make_certificates(folder)
    (folder / "files").mkdir()
    (folder / "proxy.js").write_text(_JAVASCRIPT)
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(_settings(folder, certificates, port))
    with running(
        [nginx, "-p", str(folder), "-e", str(folder / "errors.log"), "-c", str(settings)],
        folder=folder,
        is_up=lambda: accepts(port),
        environment={"PROXY_SECRET": SECRET},
    ):
        yield WebServer(
            url=f"https://localhost:{port}",
            files=folder / "files",
            certificates=certificates,
            requests=folder / "requests.log",
        )


def _settings(folder: Path, certificates: Certificates, port: int) -> str:
    # started by root, its workers would become nobody, who may not enter the folder of a test
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""
load_module {_MODULE};
{user}
env PROXY_SECRET;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 128; }}
http {{
  log_format short '$request_method $request_uri $http_range $status';
  access_log {folder}/requests.log short;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  default_type application/octet-stream;
  js_path {folder};
  js_import proxy from proxy.js;
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name localhost;
    ssl_certificate {certificates.certificate};
    ssl_certificate_key {certificates.key};
    location /files/ {{ alias {folder}/files/; }}
    location /whole/ {{ alias {folder}/files/; max_ranges 0; }}
    location /moved/ {{ rewrite ^/moved/(.*)$ /files/$1 redirect; }}
    location /round/ {{ return 302 /round/; }}
    location /plain/ {{ return 302 http://localhost:1/elsewhere; }}
    location /closed/ {{ return 403; }}
    location /proxylocal/ {{ js_content proxy.check; }}
    location /inner/ {{ internal; alias {folder}/files/; }}
  }}
}}
"""


_JAVASCRIPT = r"""
const crypto = require('crypto');

function parsed(query) {
  const values = {};
  query.split('&').forEach(pair => {
    const at = pair.indexOf('=');
    values[pair.slice(0, at)] = decodeURIComponent(pair.slice(at + 1).replace(/\+/g, ' '));
  });
  return values;
}

function refuse(r, why) { r.return(401, why); }

function check(r) {
  const uri = r.variables.request_uri;
  const mark = uri.indexOf('?');
  const path = mark < 0 ? uri : uri.slice(0, mark);
  const values = mark < 0 ? {} : parsed(uri.slice(mark + 1));
  const given = values.hmacSignature;
  if (!given) return refuse(r, 'Signature is missing');
  delete values.hmacSignature;
  const pairs = Object.keys(values).sort().map(name => name + '=' + values[name]).join('&');
  const method = r.method === 'HEAD' ? 'GET' : r.method;
  const host = r.headersIn.Host.split(':')[0];
  const text = method + ' ' + host + ' ' + path + (pairs ? '?' + pairs : '');
  const expected = crypto.createHmac('sha1', process.env.PROXY_SECRET).update(text).digest('hex');
  if (expected !== given) return refuse(r, 'Signature does not match');
  if (values.expiration && Number(values.expiration) < Date.now()) return refuse(r, 'URL has expired');
  r.internalRedirect('/inner/' + path.slice('/proxylocal/'.length));
}

export default {check};
"""
