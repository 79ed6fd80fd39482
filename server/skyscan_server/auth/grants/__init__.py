"""How tokens are come by: the rules of OAuth 2, without HTTP."""
