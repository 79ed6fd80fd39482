"""Rotors and receivers: what they must do, one driver a file, and emulators of the hardware."""
