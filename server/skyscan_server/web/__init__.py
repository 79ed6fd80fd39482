"""How a route is declared, checked, answered and documented; the routes are elsewhere."""
