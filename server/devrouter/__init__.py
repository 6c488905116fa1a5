"""DevRouter: a linter, formatter and router for prompts to coding assistants."""

__version__ = "0.1.0"
