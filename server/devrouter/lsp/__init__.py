"""The one thin face towards the editor; nothing outside this package knows pygls or lsprotocol."""
