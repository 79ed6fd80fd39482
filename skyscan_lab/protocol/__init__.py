"""What goes over the wire: models of the public APIs, and the tables of their lifecycles."""
