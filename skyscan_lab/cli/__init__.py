"""The command ``skyscan``: one file a subcommand."""
