"""Who may talk to the viewer: requests to this machine's own address that carry its token.

The token stands in the address that is printed. The first request that brings it is answered with a cookie for what the
page asks for later, the web socket too; every other request is refused.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from aiohttp import web

HOST = "127.0.0.1"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' ws: data: blob:; "
    "frame-ancestors 'none'; form-action 'none'; base-uri 'self'"
)
"""The page may not ask anything of other hosts, whatever stands in it. Its templates are compiled in the browser."""


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(24)


def guard(token: str) -> Any:
    """Middleware of aiohttp that refuses requests without the token, or under another name than this machine's."""

    @web.middleware
    async def checked(request: web.Request, handler: Any) -> web.StreamResponse:
        name, _, port = request.host.partition(":")
        # a page elsewhere may give its own name our address, but then says that name here
        if name not in (HOST, "localhost"):
            return web.Response(status=403, text="refused: this viewer answers its own machine only\n")
        cookie = f"subgrid_view_{port}"
        brought = request.query.get("token", "")
        if not any(_same(text, token) for text in (brought, request.cookies.get(cookie, ""))):
            return web.Response(status=403, text="refused: open the whole address that 'subgrid view' printed\n")
        origin = request.headers.get("Origin", "")
        if origin and origin not in (f"http://{HOST}:{port}", f"http://localhost:{port}"):
            return web.Response(status=403, text="refused: asked for by another page\n")
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPException as answer:
            _seal(answer, cookie, token)
            raise
        if not response.prepared:
            _seal(response, cookie, token)
        return response

    return checked


def _seal(response: web.StreamResponse, cookie: str, token: str) -> None:
    response.set_cookie(cookie, token, httponly=True, samesite="Strict")
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")


def _same(brought: str, token: str) -> bool:
    return hmac.compare_digest(brought.encode(), token.encode())
