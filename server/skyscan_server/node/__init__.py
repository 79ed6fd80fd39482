"""The node: our agent beside the hardware."""
