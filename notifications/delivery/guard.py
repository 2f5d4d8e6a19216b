"""Which addresses may be dialled for a URL that somebody typed into the hub.

The hub stands inside; whoever could make it call anything would see what only it can reach. So the address that is
really dialled is looked at, not the name: a name may lead elsewhere the second time it is asked. URLs in `config.yml`
are the administrator's own and are not guarded.
"""

import ipaddress
from collections.abc import Callable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Guard = Callable[[str], bool]
"""Whether an address, as a number in text, may be dialled."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def anywhere(address: str) -> bool:
    """No guard."""
    return True


def only_outside(allowed: Sequence[Network]) -> Guard:
    """Public addresses, and whatever else an administrator allows; what wraps an IPv4 address is judged by that."""

    def may_dial(address: str) -> bool:
        found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        if any(found.version == network.version and found in network for network in allowed):
            return True
        return found.is_global and not found.is_multicast

    return may_dial


def _unwrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address
