"""Load for a hub and for its peer, from processes of their own."""
