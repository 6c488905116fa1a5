"""The command line, thin over `devrouter.app`."""
