"""The relay's settings: from the environment, or under the same names from a TOML file. The environment wins.

A setting that cannot work stops the relay with one sentence that names it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sidestep.catalogue import load_catalogue
from sidestep_relay.allowances import Allowance
from sidestep_relay.auth import find_token_file, find_tokens_file, is_strong_token, keep_token
from sidestep_relay.deadlines import Deadlines
from sidestep_relay.destinations import Destinations, parse_destination
from sidestep_relay.lanes import LANES, LaneName, list_lanes
from sidestep_relay.plugins import list_provider_ids
from sidestep_relay.proxies import TrustedProxies, parse_proxies
from sidestep_relay.redis_places import check_redis_url
from sidestep_relay.sealing import SealingKeys
from sidestep_relay.sealing_keys import SealingKeyError, keep_keys, read_keys, read_keys_file
from sidestep_relay.tokens import TokenFileError, load_tokens

__all__ = [
    "RelayConfig",
    "SettingError",
    "find_pairing_key",
    "find_sealing_file",
    "find_tokens",
    "load_config",
    "load_sealing_keys",
    "read_name",
    "read_settings",
]

_NAMES = (
    "SIDESTEP_TOKEN",
    "SIDESTEP_TOKEN_FILE",
    "SIDESTEP_TOKENS",
    "SIDESTEP_ORIGINS",
    "SIDESTEP_DESTINATIONS",
    "SIDESTEP_USE_OWN_KEYS",
    "SIDESTEP_NAME",
    "SIDESTEP_PING_SECONDS",
    "SIDESTEP_LANES",
    "SIDESTEP_SEALING_KEY",
    "SIDESTEP_SEALING_KEY_FILE",
    "SIDESTEP_REQUESTS_PER_MINUTE",
    "SIDESTEP_STREAMS",
    "SIDESTEP_TOKENS_PER_MINUTE",
    "SIDESTEP_ADDRESS_REQUESTS_PER_MINUTE",
    "SIDESTEP_ADDRESS_STREAMS",
    "SIDESTEP_REDIS_URL",
    "SIDESTEP_CACHE_SECONDS",
    "SIDESTEP_CACHE_BYTES",
    "SIDESTEP_JOIN",
    "SIDESTEP_IDLE_SECONDS",
    "SIDESTEP_TOTAL_SECONDS",
    "SIDESTEP_READER_SECONDS",
    "SIDESTEP_REQUEST_SECONDS",
    "SIDESTEP_DRAIN_SECONDS",
    "SIDESTEP_TRUSTED_PROXIES",
)
_TRUTHS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_LONGEST_NAME = 60
_LONGEST_PING_SECONDS = 300.0  # longer than any proxy's patience
_LONGEST_DEADLINE = 86_400.0

DEFAULT_NAME = "This computer"
DEFAULT_PING_SECONDS = 15.0
DEFAULT_CACHE_BYTES = 64 * 1024 * 1024


class SettingError(Exception):
    """A setting cannot work. The message is one sentence that begins with its name."""


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """What the relay was told.

    Attributes:
        token: what opens everything of the relay, at least 128 bits; empty if only the named tokens open it.
        origins: pages that may read the relay's answers, exact: scheme, host and port.
        destinations: what may be reached beside the catalogue's hosts.
        should_use_own_keys: whether the relay's environment may lend its provider keys.
        name: what people see in the page.
        site: a folder of a built page to serve, or None.
        ping_seconds: how long a stream may be silent before a comment keeps it alive.
        largest_body: bytes of a request.
        per_token: what one token may ask for, unless it has limits of its own.
        per_address: what one address may ask for, whatever its tokens are.
        tokens_file: where the named tokens are kept, or None.
        deadlines: how long is waited for a provider and for a client.
        trusted_proxies: whose word about a client's address counts.
        lanes: by which lane a provider is called, by its id in the catalogue; the best one where nothing is said.
        sealing: the keys that pages seal to, or None if there can be none.
        redis_url: where several processes count together; empty if each counts for itself. It can hold a password.
        cache_seconds: how long an answer is kept for who asks for the same and wishes it; 0 keeps none.
        cache_bytes: how much of answers is kept: by each process in its memory, or by all in Redis.
        can_join: whether identical requests under way share one call if they wish it.
    """

    token: str
    origins: tuple[str, ...] = ()
    destinations: Destinations = field(default_factory=Destinations)
    should_use_own_keys: bool = False
    name: str = DEFAULT_NAME
    site: Path | None = None
    ping_seconds: float = DEFAULT_PING_SECONDS
    largest_body: int = 32 * 1024 * 1024
    tokens_file: Path | None = None
    per_token: Allowance = field(default_factory=Allowance)
    per_address: Allowance = field(default_factory=Allowance)
    deadlines: Deadlines = field(default_factory=Deadlines)
    lanes: Mapping[str, LaneName] = field(default_factory=dict)
    sealing: SealingKeys | None = None
    trusted_proxies: TrustedProxies = field(default_factory=TrustedProxies)
    redis_url: str = field(default="", repr=False)
    cache_seconds: int = 0
    cache_bytes: int = DEFAULT_CACHE_BYTES
    can_join: bool = False

    @property
    def sealing_key(self) -> bytes:
        """The public key that pages seal to; empty if there is none."""
        return self.sealing.current.public if self.sealing else b""


def load_config(
    environment: Mapping[str, str],
    *,
    file: Path | None = None,
    tokens: Path | None = None,
    site: Path | None = None,
    own_origins: tuple[str, ...] = (),
) -> RelayConfig:
    """Read the settings from *environment* and *file*, and make a token if there is none.

    Args:
        environment: the process's environment.
        file: a TOML file, or None.
        tokens: the file of named tokens, if the command line names it.
        site: the folder of a page to serve.
        own_origins: the origins under which that page is reached; they are allowed without being listed.

    Raises:
        SettingError: a setting, the file, the site or the kept token cannot work.
    """
    settings = read_settings(environment, file)
    if site is not None and not (site / "index.html").is_file():
        raise SettingError(f"--site: there is no index.html in {site}; name the folder of a built page.")
    tokens_file = tokens or find_tokens(settings)
    has_named = _has_tokens(tokens_file, is_named_by_hand=tokens_file != find_tokens_file())
    usual = Allowance()
    return RelayConfig(
        token=_read_token(settings, has_named=has_named),
        origins=(*_read_origins(settings), *own_origins),
        destinations=_read_destinations(settings),
        should_use_own_keys=_read_truth(settings, "SIDESTEP_USE_OWN_KEYS"),
        name=read_name(settings),
        site=site,
        ping_seconds=_read_seconds(settings, "SIDESTEP_PING_SECONDS", DEFAULT_PING_SECONDS),
        tokens_file=tokens_file,
        per_token=Allowance(
            requests_per_minute=_read_limit(settings, "SIDESTEP_REQUESTS_PER_MINUTE", usual.requests_per_minute),
            streams=_read_limit(settings, "SIDESTEP_STREAMS", usual.streams),
            tokens_per_minute=_read_limit(settings, "SIDESTEP_TOKENS_PER_MINUTE", usual.tokens_per_minute),
        ),
        per_address=Allowance(
            requests_per_minute=_read_limit(
                settings, "SIDESTEP_ADDRESS_REQUESTS_PER_MINUTE", usual.requests_per_minute
            ),
            streams=_read_limit(settings, "SIDESTEP_ADDRESS_STREAMS", usual.streams),
        ),
        deadlines=_read_deadlines(settings),
        lanes=_read_lanes(settings),
        sealing=load_sealing_keys(settings),
        trusted_proxies=_read_proxies(settings),
        redis_url=_read_redis_url(settings),
        cache_seconds=_read_count(settings, "SIDESTEP_CACHE_SECONDS", 0, "0 keeps nothing"),
        cache_bytes=_read_count(settings, "SIDESTEP_CACHE_BYTES", DEFAULT_CACHE_BYTES, "0 keeps nothing"),
        can_join=_read_truth(settings, "SIDESTEP_JOIN"),
    )


def read_settings(environment: Mapping[str, str], file: Path | None) -> dict[str, Any]:
    """Return the settings as they stand in *file* and in *environment*, which wins.

    Raises:
        SettingError: the file cannot be used.
    """
    return {**_read_file(file), **{name: environment[name] for name in _NAMES if environment.get(name)}}


def find_tokens(settings: Mapping[str, Any]) -> Path:
    """Return where the named tokens are kept."""
    named = settings.get("SIDESTEP_TOKENS")
    return Path(str(named)) if named else find_tokens_file()


def find_sealing_file(settings: Mapping[str, Any]) -> Path:
    """Return where the sealing keys are kept.

    Raises:
        SettingError: they are in the settings themselves.
    """
    if settings.get("SIDESTEP_SEALING_KEY"):
        raise SettingError("SIDESTEP_SEALING_KEY: the key is in the settings; change it there.")
    named = settings.get("SIDESTEP_SEALING_KEY_FILE")
    return Path(str(named)) if named else find_token_file().with_name("relay-sealing-key")


def find_pairing_key(settings: Mapping[str, Any]) -> bytes:
    """Return the public key that a link made by a command, and not by the relay itself, may carry; else nothing.

    Whoever gives the token of a relay elsewhere would else get this computer's key, which that relay does not have.

    Raises:
        SettingError: as `load_sealing_keys`.
    """
    is_named = any(settings.get(name) for name in ("SIDESTEP_SEALING_KEY", "SIDESTEP_SEALING_KEY_FILE"))
    is_of_here = not any(settings.get(name) for name in ("SIDESTEP_TOKEN", "SIDESTEP_TOKEN_FILE"))
    keys = load_sealing_keys(settings) if is_named or is_of_here else None
    return keys.current.public if keys else b""


def load_sealing_keys(settings: Mapping[str, Any]) -> SealingKeys | None:
    """Return the sealing keys, made on the first run; None where none are set and none can be kept.

    Raises:
        SettingError: what is there cannot be used.
    """
    try:
        if key := settings.get("SIDESTEP_SEALING_KEY"):
            return read_keys(str(key))
        path = find_sealing_file(settings)
        return read_keys_file(path) if settings.get("SIDESTEP_SEALING_KEY_FILE") else keep_keys(path)
    except SealingKeyError as error:
        raise SettingError(f"SIDESTEP_SEALING_KEY: {error}") from error
    except OSError as error:
        if named := settings.get("SIDESTEP_SEALING_KEY_FILE"):
            raise SettingError(f"SIDESTEP_SEALING_KEY_FILE: {named} cannot be read.") from error
        # A relay without a disk of its own still works, unsealed; it says so.
        return None


def _read_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"--config: {file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise SettingError(f"--config: {file} is not TOML: {error}.") from error
    for name in settings:
        if name not in _NAMES:
            raise SettingError(f"{name}: there is no such setting; the settings are {', '.join(_NAMES)}.")
    return settings


def _has_tokens(path: Path, *, is_named_by_hand: bool) -> bool:
    if is_named_by_hand and not path.exists():
        raise SettingError(f"SIDESTEP_TOKENS: there is no file {path}; `sidestep-relay token add NAME` makes one.")
    try:
        return bool(load_tokens(path, list_provider_ids()))
    except TokenFileError as error:
        raise SettingError(f"SIDESTEP_TOKENS: {error}") from error


def _read_token(settings: Mapping[str, Any], *, has_named: bool) -> str:
    if token := settings.get("SIDESTEP_TOKEN"):
        return _check_token(str(token).strip(), "SIDESTEP_TOKEN")
    if named := settings.get("SIDESTEP_TOKEN_FILE"):
        try:
            return _check_token(Path(str(named)).read_text(encoding="ascii").strip(), "SIDESTEP_TOKEN_FILE")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"SIDESTEP_TOKEN_FILE: {named} cannot be read as a token.") from error
    path = find_token_file()
    if has_named and not path.exists():
        # Whoever gave out named tokens need not have one more that opens everything.
        return ""
    try:
        return _check_token(keep_token(path), f"SIDESTEP_TOKEN: the token kept in {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"SIDESTEP_TOKEN: no token is set, and none can be kept in {path}; set SIDESTEP_TOKEN."
        ) from error


def _check_token(token: str, name: str) -> str:
    if not is_strong_token(token):
        raise SettingError(
            f"{name}: too weak; it must hold at least 128 random bits, "
            'such as what `python -c "import secrets; print(secrets.token_urlsafe(32))"` prints.'
        )
    return token


def _read_list(settings: Mapping[str, Any], name: str) -> list[str]:
    value = settings.get(name, [])
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise SettingError(f"{name}: must be a list of texts.")
    return [part.strip() for part in parts if part.strip()]


def _read_origins(settings: Mapping[str, Any]) -> list[str]:
    origins = []
    for given in _read_list(settings, "SIDESTEP_ORIGINS"):
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.netloc or "*" in given or "@" in given:
            raise SettingError(
                f"SIDESTEP_ORIGINS: {given!r} is not an exact origin such as https://chat.example or "
                "http://localhost:8000; every page has to be named."
            )
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise SettingError(f"SIDESTEP_ORIGINS: {given!r} has a path; an origin is scheme, host and port alone.")
        origins.append(f"{parts.scheme}://{parts.netloc}".lower())
    return origins


def _read_destinations(settings: Mapping[str, Any]) -> Destinations:
    rows = _read_list(settings, "SIDESTEP_DESTINATIONS")
    try:
        named = tuple(parse_destination(row) for row in rows if row != "*")
    except ValueError as error:
        raise SettingError(f"SIDESTEP_DESTINATIONS: {error}") from error
    return Destinations(named=named, allows_any_public="*" in rows)


def _read_proxies(settings: Mapping[str, Any]) -> TrustedProxies:
    try:
        return parse_proxies(_read_list(settings, "SIDESTEP_TRUSTED_PROXIES"))
    except ValueError as error:
        raise SettingError(f"SIDESTEP_TRUSTED_PROXIES: {error}") from error


def _read_lanes(settings: Mapping[str, Any]) -> dict[str, LaneName]:
    catalogue = load_catalogue()
    lanes: dict[str, LaneName] = {}
    for row in _read_list(settings, "SIDESTEP_LANES"):
        provider, _, wanted = (part.strip() for part in row.partition("="))
        lane = next((name for name in LANES if name == wanted), None)
        if provider not in catalogue:
            raise SettingError(f"SIDESTEP_LANES: there is no provider {provider!r} in the catalogue.")
        if lane is None:
            raise SettingError(f"SIDESTEP_LANES: {row!r} must be provider=lane; lanes are {', '.join(LANES)}.")
        if lane not in list_lanes(catalogue[provider]):
            raise SettingError(f"SIDESTEP_LANES: {provider} cannot go by {lane}: it does not speak OpenAI's chat wire.")
        lanes[provider] = lane
    return lanes


def _read_redis_url(settings: Mapping[str, Any]) -> str:
    if not (url := str(settings.get("SIDESTEP_REDIS_URL", "")).strip()):
        return ""
    try:
        return check_redis_url(url)
    except ValueError as error:
        raise SettingError(f"SIDESTEP_REDIS_URL: {error}.") from None


def _read_truth(settings: Mapping[str, Any], name: str) -> bool:
    value = str(settings.get(name, False)).lower()
    if value not in _TRUTHS:
        raise SettingError(f"{name}: must be true or false, not {value!r}.")
    return _TRUTHS[value]


def _read_limit(settings: Mapping[str, Any], name: str, default: int) -> int:
    return _read_count(settings, name, default, "0 is no limit")


def _read_count(settings: Mapping[str, Any], name: str, default: int, zero: str) -> int:
    try:
        count = int(str(settings.get(name, default)))
    except ValueError as error:
        raise SettingError(f"{name}: must be a whole number; {zero}.") from error
    if count < 0:
        raise SettingError(f"{name}: must be a whole number; {zero}.")
    return count


def _read_deadlines(settings: Mapping[str, Any]) -> Deadlines:
    usual = Deadlines()
    return Deadlines(
        idle=_read_seconds(settings, "SIDESTEP_IDLE_SECONDS", usual.idle, _LONGEST_DEADLINE),
        total=_read_seconds(settings, "SIDESTEP_TOTAL_SECONDS", usual.total, _LONGEST_DEADLINE),
        reader=_read_seconds(settings, "SIDESTEP_READER_SECONDS", usual.reader, _LONGEST_DEADLINE),
        request=_read_seconds(settings, "SIDESTEP_REQUEST_SECONDS", usual.request, _LONGEST_DEADLINE),
        drain=_read_seconds(settings, "SIDESTEP_DRAIN_SECONDS", usual.drain, _LONGEST_DEADLINE),
    )


def _read_seconds(
    settings: Mapping[str, Any], name: str, default: float, longest: float = _LONGEST_PING_SECONDS
) -> float:
    try:
        seconds = float(settings.get(name, default))
    except (TypeError, ValueError) as error:
        raise SettingError(f"{name}: must be a number of seconds.") from error
    if not 0 < seconds <= longest:
        raise SettingError(f"{name}: must be more than 0 and at most {longest:.0f} seconds.")
    return seconds


def read_name(settings: Mapping[str, Any]) -> str:
    """Return what people see in the page.

    Raises:
        SettingError: it is too long for that.
    """
    name = str(settings.get("SIDESTEP_NAME", DEFAULT_NAME)).strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise SettingError(f"SIDESTEP_NAME: must be 1 to {_LONGEST_NAME} printable characters.")
    return name
