"""Files: sessions read from every known format, and written for other programs."""
