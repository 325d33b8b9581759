"""The testbed: gateways, witness, peer and server as network namespaces of one kernel, and what can happen to them."""
