"""Every action of the protocol, by what it is about; importing a module declares its actions."""

from proxy.stub.actions import activations, buying, catalogue, history, nothing, prices, rents
from proxy.stub.actions.common import ACTIONS

__all__ = ["ACTIONS", "activations", "buying", "catalogue", "history", "nothing", "prices", "rents"]
