"""The rules of the hub, once: sessions, rotors, control of a mount, nodes and their tasks."""
