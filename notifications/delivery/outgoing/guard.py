"""Which addresses may be dialled for a URL that somebody typed into the hub.

The hub stands inside; whoever could make it call anything would see what only it can reach. So the address that is
really dialled is looked at, not the name: a name may lead elsewhere the second time it is asked. URLs in `config.yml`
are the administrator's own and are not guarded.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Guard = Callable[[str], bool]
"""Whether an address, as a number in text, may be dialled."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""Beyond it lie local networks, and forms that hold an IPv4 address which nobody should route."""
_OF_CLOUDS = frozenset((ipaddress.IPv4Address("168.63.129.16"),))
"""Public numbers under which a cloud answers its own machines."""


def anywhere(address: str) -> bool:
    """No guard."""
    return True


def only_outside(allowed: Sequence[Network]) -> Guard:
    """Public addresses, and whatever else an administrator allows; what wraps an IPv4 address is judged by that."""

    def may_dial(address: str) -> bool:
        found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        if any(found.version == network.version and found in network for network in allowed):
            return True
        if found.version == 6 and found not in _GLOBAL_UNICAST:
            return False
        return found.is_global and not found.is_multicast and found not in _OF_CLOUDS

    return may_dial


def literal_address(host: str) -> str | None:
    """The address that a host of a URL is by itself, None for a name.

    In all forms that a resolver takes: 127.1, 0x7f000001 and 2130706433 are one address.
    """
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _unwrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address
